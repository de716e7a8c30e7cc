"""The act that sends: what it records, and that nothing leaves twice."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from email.message import EmailMessage
from typing import Any

import dkim
import msgspec
import pytest
from dispatch_world import JOE, KEYS, PARTS, POLICY, Office, plain, request, template
from mail_world import ACCOUNT, BASE, MESSAGE, PERSON, World

from heliograph.accounts.dkim import activate, add_dkim_keys
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.events.event import Record, Redacted, derived_id
from heliograph.events.messages import Attachment
from heliograph.journal.consumer import Delivered, Refused, Retry, Skipped
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.messages.channels.channel import Closed, Parcel, Result, Way
from heliograph.outbound.messages.channels.places import PER_CONNECTION
from heliograph.outbound.messages.dispatch import OPEN_STATES
from heliograph.outbound.messages.mail.dkim import Signers
from heliograph.refs import ClickRef, MessageRef, Refs

REF = MessageRef(ACCOUNT, MESSAGE, PERSON)


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    made = Office(world.url)
    yield made
    await made.close()


async def test_a_message_that_is_wanted_is_sent(world: World, office: Office) -> None:
    event = request(office.clock)
    assert await office.perform(event) == Delivered("250 2.0.0 Kept as 1")
    attempted, sent = await office.told()
    assert (attempted.kind, sent.kind) == ("message.attempted", "message.sent")
    assert (sent.cause, sent.subject, sent.account) == (MESSAGE, f"person:{PERSON}", ACCOUNT)
    via = f"smtp:127.0.0.1:{world.port}"
    assert plain([attempted, sent]) == [
        {"message": MESSAGE, "address": "joe@x.example", "via": via},
        {
            "message": MESSAGE,
            "address": "joe@x.example",
            "via": via,
            "response": "250 2.0.0 Kept as 1",
            "size": len(world.raw[0]),
            "subject": "Joe, your cart waits",
            "message_id": f"<{MESSAGE}@shop.example>",
            "sender": "news@shop.example",
            "template_version": 3,
        },
    ]


async def test_the_attempt_is_on_disk_before_the_content_is_handed_over(world: World, office: Office) -> None:
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(await office.kinds())

    world.before_data = look
    await office.perform(request(office.clock))
    assert seen == [["attempted"]]


async def test_where_the_relay_is_the_recipients_own_a_250_is_a_delivery(world: World) -> None:
    office = Office(world.url, smtp_final=True)
    await office.perform(request(office.clock))
    assert await office.kinds() == ["attempted", "sent", "delivered"]
    await office.close()


async def arrived(world: World, office: Office, **fields: object) -> EmailMessage:
    await office.perform(request(office.clock, **fields))
    (mail,) = world.mails
    return mail


def text_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


async def test_what_arrives_leads_back(world: World, office: Office) -> None:
    """STD-1: links, pixel and unsubscribe of a received mail open with our keys and say what they should"""
    refs = Refs(KEYS)
    mail = await arrived(world, office)
    html = text_of(mail, "html")
    (click,) = [refs.read_click(token) for token in re.findall(re.escape(BASE) + r"/c/([\w-]+)", html)]
    assert click == ClickRef(REF, 0, "Cart", "https://shop.example/cart?id=c7&utm=x")
    (opened,) = {refs.read_open(token) for token in re.findall(re.escape(BASE) + r"/o/([\w-]+)\.gif", html)}
    assert opened == REF
    leave = re.fullmatch(rf"<{re.escape(BASE)}/u/([\w-]+)>", mail["List-Unsubscribe"])
    assert leave is not None and refs.read_unsubscribe(leave[1]) == REF
    assert f'<a href="{BASE}/u/{leave[1]}">Leave</a>' in html
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    text = text_of(mail, "plain")
    assert text == f"Dear Joe, https://shop.example/cart?id=c7\nLeave: {BASE}/u/{leave[1]}\n"


async def test_what_arrives_is_addressed_as_the_account_says(world: World, office: Office) -> None:
    """STD-2"""
    mail = await arrived(world, office)
    assert mail["From"] == "The Shop <news@shop.example>"
    assert mail["Reply-To"] == "answers@shop.example"
    assert mail["To"] == "joe@x.example"
    assert mail["Subject"] == "Joe, your cart waits"
    assert mail["Message-ID"] == f"<{MESSAGE}@shop.example>"
    assert mail["X-Heliograph-Message"] == MESSAGE
    assert mail["List-Id"] == f"The Shop <{ACCOUNT}.shop.example>"
    assert mail["Feedback-ID"] == f"0:abandoned-cart:marketing:{ACCOUNT}"
    assert world.envelopes[0].mail_from == "news@shop.example"
    assert [part.defects for part in mail.walk()] == [[], [], []]


async def test_transactional_mail_has_no_list_headers(world: World, office: Office) -> None:
    office.suppress("unsubscribed", opt_in=False)
    mail = await arrived(world, office, transactional=True)
    assert mail["List-Unsubscribe"] is None and mail["List-Id"] is None
    assert mail["Feedback-ID"] == f"0:abandoned-cart:transactional:{ACCOUNT}"


async def test_transactional_mail_can_be_left_by_its_header_where_its_sender_wants_that(
    world: World, office: Office
) -> None:
    """RFC 8058: without a List-Id, for it is of no list."""
    mail = await arrived(world, office, transactional=True, list_unsubscribe=True)
    leave = re.fullmatch(rf"<{re.escape(BASE)}/u/([\w-]+)>", mail["List-Unsubscribe"])
    assert leave is not None and Refs(KEYS).read_unsubscribe(leave[1]) == REF
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and mail["List-Id"] is None


async def test_a_message_to_nobody_known_is_tied_to_nobody(world: World, office: Office) -> None:
    """STD-7: no person in the request, none in the URLs, whoever has the address"""
    mail = await arrived(world, office, person=None)
    token = re.findall(re.escape(BASE) + r"/o/([\w-]+)\.gif", text_of(mail, "html"))[0]
    assert Refs(KEYS).read_open(token).person is None


async def test_a_return_path_is_one_of_its_own_for_each_message_as_the_settings_or_the_account_say(
    world: World,
) -> None:
    """VERP: signed, and within the 64 octets of a local part."""
    own = msgspec.structs.replace(POLICY, bounce_address="bounces+{reference}@shop.example")
    for policy, prefix, domain in ((POLICY, "b-", "bounces.example"), (own, "bounces+", "shop.example")):
        office = Office(world.url, policy=policy, bounce_address="b-{reference}@bounces.example")
        await office.perform(request(office.clock))
        await office.close()
        local, _, at = world.envelopes[-1].mail_from.partition("@")
        assert (local[: len(prefix)], at) == (prefix, domain)
        assert len(local) <= 64
        assert office.refs.read_bounce(local) == MessageRef(ACCOUNT, MESSAGE, None)


async def test_a_template_may_say_who_it_is_from(world: World, office: Office) -> None:
    settings = {
        "from_name": "Büro",
        "from_address": "office@shop.example",
        "reply_to": "hello@shop.example",
        "return_path": "bounces+{message}@shop.example",
    }
    office.known = office.known._replace(template=msgspec.structs.replace(template(), settings=settings))
    mail = await arrived(world, office)
    assert mail["From"] == "Büro <office@shop.example>"
    assert mail["Reply-To"] == "hello@shop.example"
    assert world.envelopes[0].mail_from == f"bounces+{MESSAGE}@shop.example"


@pytest.mark.parametrize(
    ("to", "code", "category", "bounce_class", "status"),
    [
        ("550@x.example", 10, "Invalid Recipient", "hard", "5.1.1"),
        ("554@x.example", 51, "Spam Block", "block", "5.7.1"),
        ("data-550@x.example", 52, "Spam Content", "block", "5.7.1"),
    ],
)
async def test_a_refusal_for_good_is_a_bounce(
    office: Office, to: str, code: int, category: str, bounce_class: str, status: str
) -> None:
    """RM-17, MG-8"""
    assert isinstance(await office.perform(request(office.clock, address=to)), Delivered)
    assert await office.kinds() == ["attempted", "bounced"]
    (bounced,) = plain((await office.told())[1:])
    assert (bounced["code"], bounced["category"], bounced["bounce_class"]) == (code, category, bounce_class)
    assert bounced["status"] == status and bounced["rule"] and bounced["details"].startswith("55")


async def test_a_refused_sender_does_not_make_the_address_bad(world: World) -> None:
    office = Office(world.url, policy=msgspec.structs.replace(POLICY, from_address="sender-550@shop.example"))
    await office.perform(request(office.clock))
    (bounced,) = plain((await office.told())[1:])
    assert (bounced["code"], bounced["bounce_class"]) == (50, "block")
    await office.close()


async def test_a_refusal_for_now_is_tried_again_a_minute_later(world: World, office: Office) -> None:
    event = request(office.clock, address="grey@x.example")
    assert await office.perform(event) == Retry("450 4.2.0 Greylisted", 60.0)
    deferred = plain(await office.told())[1]
    assert deferred["retry_at"] == office.clock.now() + 60_000_000
    assert (deferred["attempt"], deferred.get("code", 70)) == (1, 70)
    assert isinstance(await office.perform(event, 2), Delivered)
    assert await office.kinds() == ["attempted", "deferred", "attempted", "sent"]
    assert len(world.mails) == 1


@pytest.mark.parametrize(
    ("to", "code", "category"), [("450@x.example", 24, "Timeout"), ("452@x.example", 22, "Mailbox Full")]
)
async def test_at_the_end_of_its_life_a_message_bounces_by_its_last_reply(
    world: World, to: str, code: int, category: str
) -> None:
    """wire-facts 9.4"""
    clock = ManualClock()
    office = Office(world.url, clock=clock, message_lifetime=3600.0)
    event = request(clock, address=to)
    outcome, attempt = await office.perform(event), 1
    while isinstance(outcome, Retry):
        assert outcome.after is not None
        await clock.advance(outcome.after)
        attempt += 1
        outcome = await office.perform(event, attempt)
    assert isinstance(outcome, Delivered)
    assert await office.kinds() == ["attempted", "deferred"] * 4 + ["attempted", "bounced"]
    bounced = plain(await office.told())[-1]
    assert (bounced["code"], bounced["category"], bounced["bounce_class"]) == (code, category, "soft")
    await office.close()


async def test_a_lost_answer_is_in_doubt_and_not_sent_again(world: World, office: Office) -> None:
    event = request(office.clock, address="vanish@x.example")
    first = await office.perform(event)
    assert isinstance(first, Refused) and first.why.startswith("in doubt, not sent again unless you retry it")
    assert await office.kinds() == ["attempted", "in_doubt"]
    assert await office.perform(event) == Refused(first.why.split(":")[0] + ": " + CRASHED)
    assert await office.kinds() == ["attempted", "in_doubt"]


CRASHED = "it was begun, and its outcome was not recorded: the engine stopped in between"


async def test_an_attempt_that_a_crash_cut_short_is_not_made_again(world: World, office: Office) -> None:
    event = request(office.clock)
    await office.perform(event)
    # Only the attempt reached the disk.
    entries = await office.journal.read(0)
    office.journal = MemoryJournal()
    await office.journal.append([Record(*entry[1:]) for entry in entries if entry.kind != "message.sent"])
    office.act = office.open()
    again = await office.perform(event)
    assert isinstance(again, Refused) and "in doubt" in again.why
    assert await office.kinds() == ["attempted", "in_doubt"]
    assert len(world.mails) == 1


async def test_an_attempt_without_an_answer_stops_the_next_one_too(world: World, office: Office) -> None:
    event = request(office.clock)
    tried = derived_id(MESSAGE, "message.attempted", "1")
    await office.journal.append([codec.encode(event), codec.encode(event)._replace(id=tried, cause=MESSAGE)])
    outcome = await office.perform(event, 2)
    assert isinstance(outcome, Refused) and "in doubt" in outcome.why
    (doubt,) = plain([told for told in await office.told() if told.kind == "message.in_doubt"])
    assert doubt["reason"].startswith("attempt 1: ")
    assert world.mails == []


async def test_an_operator_may_send_a_doubtful_message_again(world: World, office: Office) -> None:
    event = request(office.clock)
    tried = derived_id(MESSAGE, "message.attempted", "1")
    await office.journal.append([codec.encode(event), codec.encode(event)._replace(id=tried, cause=MESSAGE)])
    assert isinstance(await office.perform(event), Refused)
    assert isinstance(await office.perform(event, 2), Delivered)
    assert len(world.mails) == 1


async def test_an_attempt_that_was_answered_before_the_crash_is_not_made_again(
    world: World, office: Office
) -> None:
    event = request(office.clock)
    await office.perform(event)
    office.act = office.open()
    assert await office.perform(event) == Skipped()
    assert await office.kinds() == ["attempted", "sent"]
    assert len(world.mails) == 1


async def test_a_deferral_that_was_recorded_before_the_crash_is_no_doubt(office: Office) -> None:
    event = request(office.clock, address="450@x.example")
    await office.perform(event)
    assert await office.perform(event) == Retry("it was put off", 60.0)
    assert await office.kinds() == ["attempted", "deferred"]


async def test_a_failure_of_our_own_while_sending_is_a_doubt(world: World, office: Office) -> None:
    class Broken:
        name, width, final = "smtp:broken", 1, False

        async def ready(self, parcel: Parcel) -> Way | Closed:
            return self

        def elsewhere(self, way: Way, parcel: Parcel) -> bool:
            return False

        async def send(self, parcel: Parcel) -> Result:
            raise RuntimeError("a bug")

        def done(self) -> None:
            return None

        async def close(self) -> None:
            return None

    office.lines = {"email": Broken()}
    office.act = office.open()
    outcome = await office.perform(request(office.clock))
    assert isinstance(outcome, Refused) and "RuntimeError: a bug" in outcome.why
    assert await office.kinds() == ["attempted", "in_doubt"]


class FullNow(MemoryJournal):
    """A journal that is full at the times when `full` says so."""

    full: Callable[[Sequence[Record]], bool] = staticmethod(lambda records: False)
    refusals = 0

    async def append_once(self, records: Sequence[Record]) -> Sequence[bool]:
        if self.refusals < 3 and self.full(records):
            self.refusals += 1
            raise JournalFull("the queue is full", retry_after=0)
        return await super().append_once(records)


async def test_an_outcome_is_recorded_however_long_the_journal_is_full(world: World) -> None:
    journal = FullNow()
    journal.full = lambda records: records[0].kind == "message.sent"
    office = Office(world.url, journal=journal)
    assert isinstance(await office.perform(request(office.clock)), Delivered)
    assert (journal.refusals, await office.kinds()) == (3, ["attempted", "sent"])
    await office.close()


@pytest.mark.parametrize(
    "state", ["sent", "delivered", "bounced", "suppressed", "render_failed", "cancelled"]
)
async def test_what_is_settled_is_left_alone(world: World, office: Office, state: str) -> None:
    office.stands = office.stands._replace(state=state)
    assert await office.perform(request(office.clock)) == Skipped()
    assert await office.kinds() == [] and world.connections == 0
    assert state not in OPEN_STATES


@pytest.mark.parametrize(
    ("suppression", "code"), [("hard_bounce", 130), ("unsubscribed", 131), ("pending_opt_in", 25)]
)
async def test_a_suppressed_address_is_not_tried(
    world: World, office: Office, suppression: str, code: int
) -> None:
    """MG-8: no SMTP attempt"""
    office.suppress(suppression)
    assert isinstance(await office.perform(request(office.clock)), Delivered)
    (told,) = plain(await office.told())
    assert (told["code"], told["suppression"]) == (code, suppression)
    assert await office.kinds() == ["suppressed"] and world.connections == 0


@pytest.mark.parametrize(
    ("bars", "code", "suppression"),
    [
        ({"barred_domains": ("x.example",)}, 134, "domain_suppressed"),
        ({"role_addresses": ("joe", "abuse")}, 135, "role_suppressed"),
    ],
)
@pytest.mark.parametrize("transactional", [False, True])
async def test_a_barred_domain_or_role_is_not_tried(
    world: World, office: Office, bars: dict[str, Any], code: int, suppression: str, transactional: bool
) -> None:
    """MG-8: no SMTP attempt, and nothing had to be put on a list"""
    office.policy = msgspec.structs.replace(office.policy, **bars)
    office.act = office.open()
    event = request(office.clock, address="joe@x.example", transactional=transactional)
    assert isinstance(await office.perform(event), Delivered)
    (told,) = plain(await office.told())
    assert (told["code"], told["suppression"]) == (code, suppression)
    assert await office.kinds() == ["suppressed"] and world.connections == 0


async def test_consent_counts_at_the_moment_of_sending(world: World, office: Office) -> None:
    event = request(office.clock, address="grey@x.example")
    assert isinstance(await office.perform(event), Retry)
    office.suppress("unsubscribed")
    assert isinstance(await office.perform(event, 2), Delivered)
    assert await office.kinds() == ["attempted", "deferred", "suppressed"]
    assert world.mails == []


async def test_a_bounce_that_suppressed_does_not_suppress_its_own_message(office: Office) -> None:
    event = request(office.clock, address="550@x.example")
    await office.perform(event)
    office.suppress("hard_bounce")
    assert await office.perform(event) == Skipped()
    assert await office.kinds() == ["attempted", "bounced"]


async def test_a_template_that_fails_stops_only_this_message(world: World, office: Office) -> None:
    office.known = office.known._replace(
        template=template(**{**PARTS, "subject": "Hi {{ person.frist_name }}"})
    )
    assert isinstance(await office.perform(request(office.clock)), Delivered)
    (told,) = plain(await office.told())
    assert list(told["errors"]) == [
        {
            "code": "Template merge exception",
            "message": "person.frist_name is undefined",
            "part": "SUBJECT",
            "line": 1,
            "column": 7,
        }
    ]
    assert await office.kinds() == ["render_failed"] and world.connections == 0


async def test_a_template_that_does_not_exist_is_named(office: Office) -> None:
    office.known = office.known._replace(template=None)
    await office.perform(request(office.clock, template_version=2))
    (told,) = plain(await office.told())
    assert told["errors"][0]["message"] == "there is no template 'cart' in version 2: save it first"


@pytest.mark.parametrize("address", ["joe", "joe@x.example\r\nRCPT TO:<jane@x.example>", "joe doe@x.example"])
async def test_a_malformed_address_never_reaches_a_server(world: World, office: Office, address: str) -> None:
    await office.perform(request(office.clock, address=address))
    (told,) = plain(await office.told())
    assert (told["code"], told["category"]) == (110, "Invalid Email Syntax")
    assert await office.kinds() == ["bounced"] and world.connections == 0


async def test_without_a_relay_a_message_waits_and_is_then_parked() -> None:
    clock = ManualClock()
    office = Office("", clock=clock, message_lifetime=3600.0)
    event = request(clock)
    outcome = await office.perform(event)
    assert isinstance(outcome, Retry) and outcome.why.startswith("no relay is configured: set smtp_relay")
    await clock.advance(3600)
    late = await office.perform(event, 5)
    assert isinstance(late, Refused) and late.why == outcome.why
    assert await office.kinds() == []


async def test_without_a_sender_a_message_waits(world: World) -> None:
    office = Office(world.url, policy=msgspec.structs.replace(POLICY, from_address=""))
    outcome = await office.perform(request(office.clock))
    assert (
        isinstance(outcome, Retry)
        and f"heliograph accounts set from_address=news@your-domain --account {ACCOUNT}" in outcome.why
    )
    assert await office.kinds() == []
    await office.close()


async def test_texts_wait_until_there_is_a_way_to_send_them(office: Office) -> None:
    outcome = await office.perform(request(office.clock, channel="sms", address="+12025550137"))
    assert isinstance(outcome, Retry) and outcome.after == 60.0
    assert "has no key for twilio or http" in outcome.why and "heliograph keys add channel" in outcome.why
    assert await office.kinds() == []


async def test_a_relay_that_is_down_makes_no_noise_and_at_last_a_timeout(world: World) -> None:
    clock = ManualClock()
    office = Office(world.url, clock=clock, message_lifetime=600.0)
    await world.stop()
    event = request(clock)
    outcome = await office.perform(event)
    assert isinstance(outcome, Retry) and outcome.after == 60.0 and "127.0.0.1" in outcome.why
    assert await office.kinds() == []
    await clock.advance(590)
    assert isinstance(await office.perform(event, 2), Delivered)
    (told,) = plain(await office.told())
    assert (told["code"], told["category"]) == (24, "Timeout")


async def test_what_was_erased_is_not_sent(world: World, office: Office) -> None:
    event = msgspec.structs.replace(request(office.clock), data=Redacted())
    assert await office.perform(event) == Skipped()
    assert world.connections == 0


async def test_a_message_of_an_account_that_is_gone_is_parked(office: Office) -> None:
    event = msgspec.structs.replace(request(office.clock), account="999999999999")
    assert await office.perform(event) == Refused("there is no account 999999999999")


async def test_the_act_keeps_its_promises_to_the_loop(office: Office) -> None:
    assert office.act.name == "dispatch" and office.act.kinds == {"message.requested"}
    relay, texts, pushes = (office.lines[kind].width for kind in ("email", "sms", "push"))
    assert relay == office.settings.smtp_connections * PER_CONNECTION
    assert office.act.concurrency == relay + texts + pushes
    assert sum(office.act.schedule) > office.settings.message_lifetime


async def test_somebody_who_was_merged_is_who_they_are_now(world: World, office: Office) -> None:
    other = "018cc251-f400-7000-8000-00000000beef"
    office.known = office.known._replace(person=msgspec.structs.replace(JOE, id=other))
    mail = await arrived(world, office)
    token = re.findall(re.escape(BASE) + r"/o/([\w-]+)\.gif", text_of(mail, "html"))[0]
    assert Refs(KEYS).read_open(token).person == other


@pytest.mark.parametrize(
    ("policy", "said", "tied"),
    [
        ("unless_refused", None, True),
        ("unless_refused", False, False),
        ("only_if_allowed", None, False),
        ("only_if_allowed", True, True),
    ],
)
async def test_opens_and_clicks_are_tied_to_a_person_as_far_as_they_allow_it(
    world: World, policy: str, said: bool | None, tied: bool
) -> None:
    """STD-7: pixel and links of whoever does not allow it are those of everybody who got the same."""
    office = Office(world.url, policy=msgspec.structs.replace(POLICY, tracking=policy))
    person = office.known.person
    assert person is not None
    office.known = office.known._replace(person=msgspec.structs.replace(person, accepts_tracking=said))
    mail = await arrived(world, office)
    await office.close()
    html, refs = text_of(mail, "html"), Refs(KEYS)
    tokens = re.findall(re.escape(BASE) + r"/o/([\w-]+)\.gif", html)
    clicks = re.findall(re.escape(BASE) + r"/c/([\w-]+)", html)
    carried = {refs.read_open(tokens[0]), *(refs.read_click(token).message for token in clicks)}
    assert len(carried) == 1
    ref = carried.pop()
    assert (ref == REF) is tied
    if not tied:
        assert (ref.person, ref.aggregate) == (None, True)
        assert ref.message != MESSAGE
    leave = re.fullmatch(rf"<{re.escape(BASE)}/u/([\w-]+)>", mail["List-Unsubscribe"])
    assert leave is not None and refs.read_unsubscribe(leave[1]).message == MESSAGE


@pytest.mark.parametrize(
    ("policy", "template", "hooks"),
    [(True, None, True), (False, None, False), (True, False, False), (False, True, True)],
)
async def test_a_mail_has_hooks_as_its_template_else_its_account_says(
    world: World, policy: bool, template: bool | None, hooks: bool
) -> None:
    """LIT-1"""
    office = Office(world.url, policy=msgspec.structs.replace(POLICY, tracking_hooks=policy))
    if template is not None:
        office.known.template.settings["tracking_hooks"] = template
    html = text_of(await arrived(world, office), "html")
    assert ("data-ignore-inlining" in html) is hooks
    assert len(re.findall(re.escape(BASE) + r"/o/", html)) == (8 if hooks else 1)
    await office.close()


async def test_a_template_bomb_stops_its_own_message_and_no_other(world: World, office: Office) -> None:
    bomb = "{% for i in (1..9000) %}{% for j in (1..9000) %}{{ i }}{% endfor %}{% endfor %}"
    office.known = office.known._replace(template=template(subject="x", html=f"<p>\n{bomb}"))
    await office.perform(request(office.clock))
    (failed,) = await office.told()
    assert failed.kind == "message.render_failed"
    (error,) = plain([failed])[0]["errors"]
    assert (error["code"], error.get("part", "BODY")) == ("Template limit exceeded", "BODY")
    office.known = office.known._replace(template=msgspec.structs.replace(template(), version=4))
    other = request(office.clock, id=MESSAGE[:-1] + "c")
    assert isinstance(await office.perform(other), Delivered)
    assert len(world.mails) == 1


async def test_a_test_reaches_whoever_said_no_but_no_address_that_bounced(
    world: World, office: Office
) -> None:
    office.suppress("unsubscribed", opt_in=False)
    assert isinstance(await office.perform(request(office.clock, is_test=True)), Delivered)
    assert len(world.mails) == 1
    office.suppress("hard_bounce")
    other = request(office.clock, id=MESSAGE[:-1] + "c", is_test=True)
    await office.perform(other)
    assert (await office.kinds())[-1] == "suppressed"


async def test_mail_is_signed_and_brings_its_files_and_headers(world: World, office: Office) -> None:
    """STD-1, STD-2: verified by dkimpy as it arrived; the signature covers both headers of RFC 8058 and Feedback-ID"""
    state = memory_state()
    with state.begin() as connection:
        keys = add_dkim_keys(connection, ACCOUNT, "shop.example", "one", 1)
        for key in keys:
            activate(connection, key, 1)
    office.signers = Signers(state)
    office.act = office.open()
    settings = {
        "headers": {"X-Season": "Größe"},
        "attachments": [{"name": "terms.txt", "content_type": "text/plain", "content": "dGVybXM="}],
    }
    office.known = office.known._replace(template=msgspec.structs.replace(template(), settings=settings))
    invoice = Attachment(name="invoice.pdf", content_type="application/pdf", content="cGRm")
    assert isinstance(await office.perform(request(office.clock, attachments=(invoice,))), Delivered)
    (mail,) = world.mails
    assert mail["X-Season"] == "Größe"
    assert [file.get_filename() for file in mail.iter_attachments()] == ["terms.txt", "invoice.pdf"]
    signatures = mail.get_all("DKIM-Signature", [])
    signed = "list-unsubscribe:list-unsubscribe-post:feedback-id"
    assert len(signatures) == 2 and all(signed in "".join(one.split()) for one in signatures)
    records = {f"{key.name}.".encode(): key.record.encode() for key in keys}
    verifier = dkim.DKIM(world.raw[0])
    assert [verifier.verify(number, lambda name, timeout=5: records[name]) for number in (0, 1)] == [
        True,
        True,
    ]


@pytest.mark.parametrize(
    "settings", [{"headers": {"Bcc": "me@x.example"}}, {"attachments": [{"name": "x"}]}, {"sender": "nobody"}]
)
async def test_a_template_with_wrong_settings_waits_for_the_operator(
    world: World, office: Office, settings: dict[str, object]
) -> None:
    office.known = office.known._replace(template=msgspec.structs.replace(template(), settings=settings))
    assert isinstance(await office.perform(request(office.clock)), Retry)
    assert world.connections == 0 and await office.kinds() == []
