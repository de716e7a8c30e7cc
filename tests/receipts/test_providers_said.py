"""What each provider says, in its documents' shapes, and what becomes of it; their published signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from provider_world import (
    AMAZON,
    ANN,
    BASE,
    BY,
    CERTIFICATE_URL,
    ISO,
    MESSAGE,
    NOW,
    SECONDS,
    SECRETS,
    STORE,
    TEXT,
    TOPIC,
    Sent,
    World,
    basic,
    by_mailgun,
    by_sendgrid,
    by_ses,
    by_twilio,
)

from heliograph.clock import SECOND
from heliograph.errors import CallerError
from heliograph.events.event import derived_id
from heliograph.inbound.receipts.providers import sendgrid, twilio
from heliograph.inbound.receipts.providers.provider import Callback, Lock, moment


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.state.dispose()


async def told(world: World, provider: str, body: Any) -> list[Any]:
    assert (await world.call(provider, BY[provider](body))).status == 200
    return await world.told()


def spark(type_: str, group: str = "message_event", **fields: Any) -> list[Any]:
    event = {"type": type_, "event_id": f"e-{type_}", "timestamp": str(SECONDS), "rcpt_to": ANN}
    return [{"msys": {group: {**event, "rcpt_meta": {"heliograph_message": MESSAGE}, **fields}}}]


def grid(event: str, **fields: Any) -> list[Any]:
    return [
        {
            "event": event,
            "email": ANN,
            "sg_event_id": f"e-{event}",
            "timestamp": SECONDS,
            "smtp-id": f"<{MESSAGE}@x>",
            **fields,
        }
    ]


def gun(event: str, **fields: Any) -> dict[str, Any]:
    said = {"event": event, "id": f"e-{event}", "timestamp": SECONDS + 0.5, "recipient": ANN}
    return {**said, "message": {"headers": {"message-id": f"{MESSAGE}@shop.example"}}, **fields}


def mark(record: str, **fields: Any) -> dict[str, Any]:
    return {"RecordType": record, "MessageID": "8839", "Metadata": {"heliograph_message": MESSAGE}, **fields}


def ses(event: str, part: str, **fields: Any) -> dict[str, Any]:
    mail = {
        "messageId": "0100",
        "destination": [ANN],
        "source": "a@b",
        "headers": [{"name": "x-heliograph-message", "value": MESSAGE}],
    }
    return {"eventType": event, "mail": mail, part: {"timestamp": ISO, **fields}}


def ses_bounce(kind: str, sub: str, said: str = "", status: str = "") -> dict[str, Any]:
    who = [{"emailAddress": ANN, "diagnosticCode": said, "status": status}]
    return ses("Bounce", "bounce", bounceType=kind, bounceSubType=sub, feedbackId="f", bouncedRecipients=who)


DEFERRALS = [
    ("sparkpost", spark("delay", raw_reason="451 4.7.1 try again")),
    ("sendgrid", grid("deferred", response="451 4.7.1 try again", attempt="3")),
    ("mailgun", gun("failed", severity="temporary", **{"delivery-status": {"code": 451, "message": "4.7.1 try again"}})),
    ("postmark", mark("Bounce", Type="Transient", Details="451 4.7.1 try again", ID=1, BouncedAt=ISO)),
    ("ses", ses("DeliveryDelay", "deliveryDelay", delayType="TransientCommunicationFailure", expirationTime=ISO,
                delayedRecipients=[{"emailAddress": ANN}])),
]  # fmt: skip
DELIVERIES = [
    ("sparkpost", spark("delivery")),
    ("sendgrid", grid("delivered", response="250 OK")),
    ("mailgun", gun("delivered", **{"delivery-status": {"code": 250, "message": "OK"}})),
    ("postmark", mark("Delivery", Recipient=ANN, DeliveredAt=ISO, Details="250 OK")),
    ("ses", ses("Delivery", "delivery", recipients=[ANN], smtpResponse="250 OK")),
]
COMPLAINTS = [
    ("sparkpost", spark("spam_complaint", fbtype="abuse")),
    ("sendgrid", grid("spamreport")),
    ("mailgun", gun("complained")),
    ("postmark", mark("SpamComplaint", Type="SpamComplaint", ID=2, Email=ANN, BouncedAt=ISO)),
    ("ses", ses("Complaint", "complaint", feedbackId="c", complainedRecipients=[{"emailAddress": ANN}])),
]
WISHES = [
    ("sparkpost", spark("list_unsubscribe", "unsubscribe_event")),
    ("sendgrid", grid("group_unsubscribe")),
    ("mailgun", gun("unsubscribed")),
    (
        "postmark",
        mark(
            "SubscriptionChange",
            Recipient=ANN,
            ChangedAt=ISO,
            SuppressSending=True,
            SuppressionReason="ManualSuppression",
        ),
    ),
]
VISITS = [
    ("sparkpost", spark("open", "track_event", user_agent="UA", ip_address="198.51.100.7"), "message.opened"),
    (
        "sendgrid",
        grid("click", url="https://shop.example/", useragent="UA", ip="198.51.100.7"),
        "link.clicked",
    ),
    ("mailgun", gun("opened", ip="198.51.100.7", **{"client-info": {"user-agent": "UA"}}), "message.opened"),
    (
        "postmark",
        mark("Click", OriginalLink="https://shop.example/", UserAgent="UA", ReceivedAt=ISO),
        "link.clicked",
    ),
    ("ses", ses("Open", "open", userAgent="UA", ipAddress="198.51.100.7"), "message.opened"),
]
NOTHING = [
    ("sparkpost", [{"msys": {}}]),
    ("sparkpost", spark("bounce", bounce_class="60")),
    ("sparkpost", spark("injection")),
    ("sendgrid", grid("processed")),
    ("mailgun", gun("accepted")),
    ("postmark", mark("Bounce", Type="AutoResponder", ID=3)),
    (
        "postmark",
        mark("SubscriptionChange", Recipient=ANN, SuppressSending=True, SuppressionReason="HardBounce"),
    ),
    ("ses", ses("Send", "send")),
    (
        "ses",
        ses(
            "Complaint",
            "complaint",
            complaintFeedbackType="not-spam",
            complainedRecipients=[{"emailAddress": ANN}],
        ),
    ),
    ("twilio", {"MessageSid": "SM1", "MessageStatus": "sent", "To": "+12025550137"}),
]
BOUNCES = [
    ("sparkpost", spark("bounce", bounce_class="22", raw_reason="failed"), 22),
    ("sparkpost", spark("out_of_band", bounce_class="1", raw_reason="550 5.1.1 no such user"), 10),
    ("sparkpost", spark("policy_rejection", bounce_class="25", raw_reason="550 5.1.1 suppressed"), 25),
    (
        "sendgrid",
        grid("bounce", type="blocked", reason="550 5.7.1 blocked using zen.spamhaus.org", status="5.7.1"),
        51,
    ),
    ("sendgrid", grid("dropped", reason="Bounced Address"), 25),
    ("sendgrid", grid("dropped", reason="Invalid"), 110),
    ("mailgun", gun("failed", severity="permanent", reason="suppress-bounce"), 25),
    (
        "mailgun",
        gun(
            "failed",
            severity="permanent",
            reason="old",
            **{"delivery-status": {"code": 602, "message": "Too old"}},
        ),
        24,
    ),
    (
        "mailgun",
        gun(
            "failed",
            severity="permanent",
            **{"delivery-status": {"code": 452, "message": "4.2.2 mailbox full"}},
        ),
        22,
    ),
    (
        "mailgun",
        gun("failed", severity="permanent", **{"delivery-status": {"code": 451, "message": "4.0.0 no"}}),
        20,
    ),
    ("postmark", mark("Bounce", Type="HardBounce", Details="it failed", ID=1), 10),
    ("postmark", mark("Bounce", Type="SoftBounce", Details="smtp;552 5.2.2 full", ID=1), 22),
    ("postmark", mark("Bounce", Type="SpamNotification", Details="rejected", ID=1), 52),
    ("postmark", mark("Bounce", Type="ManuallyDeactivated", Details="550 5.1.1 unknown", ID=1), 25),
    ("ses", ses_bounce("Permanent", "General"), 10),
    ("ses", ses_bounce("Permanent", "OnAccountSuppressionList", "5.1.1 unknown"), 25),
    ("ses", ses_bounce("Transient", "MailboxFull"), 22),
    ("ses", ses_bounce("Transient", "General"), 20),
    ("ses", ses_bounce("Permanent", "General", "smtp; 554 5.7.1 spam message rejected", "5.7.1"), 52),
    ("ses", ses("Reject", "reject", reason="Bad content"), 25),
]


@pytest.mark.parametrize(("provider", "body"), DEFERRALS)
async def test_a_delay_is_a_deferral_of_its_own(world: World, provider: str, body: Any) -> None:
    """STD-3"""
    await told(world, provider, body)
    world.forget_tokens()
    (event,) = await told(world, provider, body)
    assert (event.kind, event.data.code, event.data.source) == ("message.deferred", 70, provider)
    assert event.id != derived_id(MESSAGE, "message.deferred", "1")  # which is the SMTP channel's first
    assert provider != "ses" or event.data.retry_at == moment(ISO)


@pytest.mark.parametrize(("provider", "body"), DELIVERIES)
async def test_a_delivery_is_the_one_that_smtp_would_tell(world: World, provider: str, body: Any) -> None:
    """STD-5"""
    (event,) = await told(world, provider, body)
    assert (event.kind, event.data.address) == ("message.delivered", ANN)
    assert event.id == derived_id(MESSAGE, "message.delivered") and NOW - SECOND <= event.at <= NOW


@pytest.mark.parametrize(("provider", "body"), COMPLAINTS)
async def test_a_complaint_finds_its_message_or_at_least_the_address(
    world: World, provider: str, body: Any
) -> None:
    (event,) = await told(world, provider, body)
    assert (event.kind, event.data.message, event.data.isp) == ("message.complained", MESSAGE, "example.com")
    unknown = json.loads(json.dumps(body).replace(MESSAGE, "none"))
    world.forget_tokens()
    _, event = await told(world, provider, unknown)
    assert (event.kind, event.data.message, event.data.address) == ("message.complained", None, ANN)


@pytest.mark.parametrize(("provider", "body"), WISHES)
async def test_a_wish_to_leave_is_heard(world: World, provider: str, body: Any) -> None:
    (event,) = await told(world, provider, body)
    assert (event.kind, event.data.message, event.data.address) == ("unsubscription.requested", MESSAGE, ANN)


@pytest.mark.parametrize(("provider", "body", "kind"), VISITS)
async def test_opens_and_clicks_are_left_to_our_own_tracking(
    tmp_path: Path, provider: str, body: Any, kind: str
) -> None:
    quiet = World(tmp_path / "quiet")
    assert await told(quiet, provider, body) == []
    asked = World(tmp_path / "asked", receipt_visits=True, ip="truncate")
    (event,) = await told(asked, provider, body)
    assert (event.kind, event.data.message, event.data.user_agent) == (kind, MESSAGE, "UA")
    assert event.data.ip in ("", "198.51.100.0")
    private = World(tmp_path / "private", receipt_visits=True, tracking="only_if_allowed")
    assert await told(private, provider, body) == []
    for made in (quiet, asked, private):
        made.state.dispose()


@pytest.mark.parametrize(("provider", "body"), NOTHING)
async def test_what_is_none_of_our_business_is_answered_and_not_kept(
    world: World, provider: str, body: Any
) -> None:
    assert await told(world, provider, body) == []


@pytest.mark.parametrize(("provider", "body", "code"), BOUNCES)
async def test_a_bounce_is_classed_by_what_was_said_else_by_the_providers_word(
    world: World, provider: str, body: Any, code: int
) -> None:
    (event,) = await told(world, provider, body)
    assert (event.kind, event.data.code) == ("message.bounced", code)
    assert event.data.rule


async def test_a_batch_is_recorded_whole_and_what_is_odd_in_it_is_left_out(world: World) -> None:
    batch = [*grid("delivered"), 7, None, {"event": []}, *grid("spamreport"), *grid("delivered")]
    events = await told(world, "sendgrid", batch)
    assert [event.kind for event in events] == ["message.delivered", "message.complained"]


async def test_a_signed_return_path_leads_to_the_message(world: World) -> None:
    body = spark("delivery", rcpt_meta={}, msg_from=world.return_path())
    (event,) = await told(world, "sparkpost", body)
    assert event.data.message == MESSAGE


async def test_the_older_token_header_and_a_bearer_token_open_too(world: World) -> None:
    body = json.dumps(spark("delivery")).encode()
    for headers in (
        {"x-messagesystems-webhook-token": SECRETS["sparkpost"]},
        {"authorization": f"Bearer {SECRETS['sparkpost']}"},
    ):
        assert (await world.call("sparkpost", Sent(body, headers))).status == 200
    secret = {"x-receipts-secret": SECRETS["postmark"]}
    assert (await world.call("postmark", Sent(b"{}", secret))).status == 200
    assert (
        await world.call("postmark", Sent(b"{}", {"authorization": basic(SECRETS["sparkpost"])}))
    ).status == 401


@pytest.mark.parametrize("late", [-2, 2])
async def test_signatures_of_other_days_are_refused(world: World, late: int) -> None:
    at = SECONDS + late * 86_400
    assert (await world.call("sendgrid", by_sendgrid(grid("delivered"), at))).status == 403
    assert (await world.call("mailgun", by_mailgun(gun("delivered"), at))).status == 403
    assert await world.told() == []


async def test_a_token_of_mailgun_is_used_once(world: World) -> None:
    sent = by_mailgun(gun("delivered"), token="a" * 50)
    assert [(await world.call("mailgun", sent)).status for _ in range(2)] == [200, 406]
    assert (await world.call("mailgun", by_mailgun(gun("delivered"), token="b" * 50))).status == 200
    assert len(await world.told()) == 1


def test_sendgrids_published_signature_verifies() -> None:
    """The vector of SendGrid's own libraries (sendgrid-python, test/unit/test_eventwebhook.py)."""
    key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g=="
    headers = {
        "x-twilio-email-event-webhook-signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
        "x-twilio-email-event-webhook-timestamp": "1600112502",
    }
    body = (
        b'[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address","sg_event_id":'
        b'"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA","sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-'
        b'p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0","smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>",'
        b'"timestamp":1600112492}]\r\n'
    )

    def seen(content: bytes) -> Callback:
        return Callback("", lambda name: headers.get(name, ""), content, 1600112502 * SECOND)

    sendgrid.verify(seen(body), Lock((key,)))
    sendgrid.verify(seen(body), Lock((SECRETS["sendgrid"], key)))  # one of several is enough
    for content, keys in (
        (body[:-2], (key,)),
        (body, (SECRETS["sendgrid"],)),
        (body, ("no key",)),
        (body, ()),
    ):
        with pytest.raises(CallerError):
            sendgrid.verify(seen(content), Lock(keys))
    (fact,) = sendgrid.read(seen(body))
    assert (fact.code, fact.sure, fact.at) == (25, True, 1600112492 * SECOND)


@pytest.mark.parametrize(
    ("url", "body", "signature"),
    [
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212",
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        ),
        (
            "https://mycompany.com/myapp.php?foo=1&bar=2",
            b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234",
            "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
        ),
    ],
)
def test_twilios_published_signatures_verify(url: str, body: bytes, signature: str) -> None:
    """The vectors of Twilio's own libraries (twilio-php, RequestValidatorTest); the auth token is 12345."""
    seen = Callback(url, lambda name: signature if name == "x-twilio-signature" else "", body, NOW)
    twilio.verify(seen, Lock(("12345",)))
    for other, token in (
        (seen._replace(url=url + "3"), "12345"),
        (seen._replace(body=b"A=1"), "12345"),
        (seen, "1"),
    ):
        with pytest.raises(CallerError):
            twilio.verify(other, Lock((token,)))


def test_twilios_json_is_verified_by_its_digest() -> None:
    body = b'{"property": "value", "boolean": true}'
    digest = (
        "0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"  # twilio-php, RequestValidatorTest
    )
    url = f"https://mycompany.com/myapp.php?bodySHA256={digest}"
    made = base64.b64encode(hmac.new(b"12345", url.encode(), hashlib.sha1).digest()).decode()
    seen = Callback(url, lambda name: made if name == "x-twilio-signature" else "", body, NOW)
    twilio.verify(seen, Lock(("12345",)))
    with pytest.raises(CallerError):
        twilio.verify(seen._replace(body=body + b" "), Lock(("12345",)))


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        ("delivered", "", ("message.delivered", "", "")),
        ("undelivered", "30005", ("message.bounced", "INVALID_ADDRESS", "hard")),
        ("undelivered", "30003", ("message.bounced", "INVALID_ADDRESS", "soft")),
        ("failed", "21610", ("message.bounced", "ADDRESS_BLOCKED", "block")),
        ("failed", "21408", ("message.bounced", "INTERNATIONAL_SENDING_PROHIBITED", "admin")),
        ("undelivered", "30008", ("message.bounced", "SERVICE_FAILURE", "soft")),
        ("failed", "", ("message.bounced", "SERVICE_FAILURE", "soft")),
    ],
)
async def test_a_texts_fate_has_the_documents_category(
    world: World, status: str, error: str, expected: tuple[str, str, str]
) -> None:
    """MG-9"""
    body = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": error, "To": "+12025550137"}
    (event,) = await told(world, "twilio", body)
    said = (event.kind, getattr(event.data, "category", ""), getattr(event.data, "bounce_class", ""))
    assert said == expected and (event.data.channel, event.data.message) == ("sms", TEXT)


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        ("Stop.", "STOP"),
        ("UNSUBSCRIBE", "STOP"),
        ("start", "START"),
        ("help", "HELP"),
        ("please stop", "KEYWORD"),
    ],
)
async def test_a_text_that_comes_in_is_received(world: World, body: str, type_: str) -> None:
    """MG-9"""
    said = {
        "MessageSid": "SM9",
        "SmsStatus": "received",
        "Body": body,
        "From": "+12025550137",
        "To": "+12025550100",
    }
    reply = await world.call("twilio", by_twilio(said, ""))
    assert (reply.status, reply.body, dict(reply.headers)["content-type"]) == (
        200,
        b"<Response/>",
        "text/xml",
    )
    (event,) = await world.told()
    assert (event.kind, event.data.type, event.data.sender, event.data.to) == (  # type: ignore[attr-defined]
        "sms.received", type_, "+12025550137", "+12025550100",
    )  # fmt: skip


async def test_twilio_signs_the_url_that_the_world_sees(world: World) -> None:
    body = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+12025550137"}
    assert BASE in f"{BASE}/receipts/twilio/{STORE}"
    sent = by_twilio(body)
    sent.query = f"message={MESSAGE}"
    assert (await world.call("twilio", sent)).status == 403


class TestAmazon:
    @pytest.mark.parametrize("version", ["1", "2"])
    async def test_both_signature_versions_verify_and_the_certificate_is_kept(
        self, world: World, version: str
    ) -> None:
        for _ in range(2):
            sent = by_ses(ses("Delivery", "delivery", recipients=[ANN]), version)
            assert (await world.call("ses", sent)).status == 200
        assert world.fetched == [CERTIFICATE_URL] and len(await world.told()) == 1

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/SimpleNotificationService-" + "0a" * 16 + ".pem",
            "https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-"
            + "0a" * 16
            + ".pem",
            "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
            "https://user@sns.eu-central-1.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
            "https://sns.eu-central-1.amazonaws.com/../x.pem",
            "https://bucket.s3.amazonaws.com/SimpleNotificationService-" + "0a" * 16 + ".pem",
        ],
    )
    async def test_a_certificate_comes_from_amazon_alone(self, world: World, url: str) -> None:
        world.pages[url] = AMAZON.pem
        sent = Sent(AMAZON.message("Notification", Message="{}", SigningCertURL=url))
        assert (await world.call("ses", sent)).status == 403
        assert world.fetched == []

    async def test_a_topic_that_is_not_listed_is_refused_and_nothing_is_fetched(self, world: World) -> None:
        for type_ in ("Notification", "SubscriptionConfirmation"):
            sent = Sent(
                AMAZON.message(type_, Message="{}", TopicArn=TOPIC + "2", Token="t", SubscribeURL="u")
            )
            assert (await world.call("ses", sent)).status == 403
        assert world.fetched == [] and await world.told() == []

    async def test_a_subscription_to_a_listed_topic_is_confirmed(self, world: World) -> None:
        url = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn&Token=abc"
        world.pages[url] = b"<ConfirmSubscriptionResponse/>"
        sent = Sent(AMAZON.message("SubscriptionConfirmation", Message="m", Token="abc", SubscribeURL=url))
        assert (await world.call("ses", sent)).status == 200
        assert world.fetched == [CERTIFICATE_URL, url] and await world.told() == []
        forged = Sent(sent.body.replace(b"Token=abc", b"Token=abd"))
        assert (await world.call("ses", forged)).status == 403
        assert world.fetched == [CERTIFICATE_URL, url]

    @pytest.mark.parametrize(
        "url", ["https://evil.example/?Action=ConfirmSubscription&x=1", "http://169.254.169.254/", ""]
    )
    async def test_a_confirmation_calls_nobody_but_amazon(self, world: World, url: str) -> None:
        sent = Sent(AMAZON.message("SubscriptionConfirmation", Message="m", Token="abc", SubscribeURL=url))
        assert (await world.call("ses", sent)).status == 403
        assert world.fetched == [CERTIFICATE_URL]

    async def test_what_cannot_be_fetched_just_now_is_asked_for_again(self, world: World) -> None:
        world.pages.clear()
        sent = by_ses(ses("Delivery", "delivery", recipients=[ANN]))
        assert (await world.call("ses", sent)).status == 503
        world.pages[CERTIFICATE_URL] = AMAZON.pem
        assert (await world.call("ses", sent)).status == 200

    async def test_words_of_a_person_in_the_topic_are_nothing(self, world: World) -> None:
        assert (
            await world.call("ses", Sent(AMAZON.message("Notification", Message="hello", Subject="hi")))
        ).status == 200
        assert await world.told() == []


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (1_600_112_492, 1_600_112_492 * SECOND),
        ("1600112492", 1_600_112_492 * SECOND),
        ("2020-09-14T19:41:32Z", 1_600_112_492 * SECOND),
        ("2020-09-14T15:41:32.2735393-04:00", 1_600_112_492 * SECOND + 273_539),
        ("soon", 0),
        (None, 0),
        (True, 0),
        (-5, 0),
        ("nan", 0),
        ("inf", 0),
        (1e300, 0),
    ],
)
def test_moments_are_read_as_providers_write_them(said: Any, expected: int) -> None:
    assert moment(said) == expected
