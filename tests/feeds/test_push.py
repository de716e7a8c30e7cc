"""Deliveries over real sockets: what arrives, what each answer means, and what is told to nobody. RM-14, RM-15"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
import pytest
from feed_world import ACCOUNT, ADMIN, NOW, OTHER, SECRET, Receiver, directory, event
from liquid import Environment
from sqlalchemy import Engine, update

from heliograph.clock import ManualClock
from heliograph.errors import BadRequest
from heliograph.events.consent import ConsentWithdrawn, SuppressionAdded
from heliograph.events.definitions import FeedFailed, FeedPaused, FeedRemoved, FeedSaved
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent, Data, Redacted, is_derived
from heliograph.events.messages import Campaign, MessageRequested, MessageSent
from heliograph.events.people import Customer, PersonCreated
from heliograph.journal.consumer import Act, Delivered, Refused, Retry, Skipped
from heliograph.outbound.feeds.dialect import Context, Options
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_act, feed_acts
from heliograph.outbound.feeds.subscription import subscribe
from heliograph.outbound.feeds.surroundings import KEPT, MOST
from heliograph.outbound.feeds.templates import BUILTIN_TEMPLATES, FAILURE_TEMPLATE
from heliograph.queues import keeping, messages
from heliograph.queues.file import QueueFile
from heliograph.react.state.definitions import Feed
from heliograph.react.state.folds import FOLDS
from heliograph.react.state.messages import MESSAGES
from heliograph.settings import Settings

Receive = Callable[..., Awaitable[Receiver]]

WANTED = event(
    MessageRequested(
        address="john@doe.com", template="cart", campaign=Campaign(id=13118, name="Abandoned cart #1")
    )
)
SENT = event(MessageSent(message=WANTED.id, address="john@doe.com"))
OPENED = event(MessageOpened(message=WANTED.id, user_agent="UA", ip="1.2.3.4"))


def fold(state: Engine, *events: AnyEvent) -> None:
    """Remember these, as the engine does before acts see them."""
    with state.begin() as connection:
        for one in FOLDS:
            chosen = [happened for happened in events if happened.kind in one.kinds]
            if chosen:
                one.apply(connection, chosen)


@pytest.fixture(autouse=True)
def message(state: Engine) -> None:
    """The mail that most events here are about."""
    fold(state, WANTED)


def saved(receiver: Receiver | str, kinds: Sequence[str] = (), **options: Any) -> Feed:
    return Feed(
        account=ACCOUNT,
        name="shop",
        dialect="remarkety",
        endpoint=receiver if isinstance(receiver, str) else receiver.url,
        kinds=tuple(kinds),
        options=options,
        state="active",
    )


async def test_a_webhook_arrives_with_its_headers_and_a_signature_that_verifies(
    means: Means, receive: Receive
) -> None:
    """RM-14: checked as S3's PHP sample does, by code that is not ours."""
    receiver = await receive()
    outcome = await feed_act(saved(receiver), means).perform(SENT, 1)
    assert outcome == Delivered("200")
    (post,) = receiver.posts
    calculated = base64.b64encode(hmac.new(SECRET.encode(), post.body, hashlib.sha256).digest()).decode()
    assert post.headers == {
        "Host": f"127.0.0.1:{receiver.port}",
        "Content-Type": "application/json",
        "User-Agent": "Remarkety",
        "Cache-Control": "no-cache",
        "X-Event-Topic": "email/sent",
        "X-Event-Hmac-SHA256": calculated,
        "X-Heliograph-Event": SENT.id,
        "Content-Length": str(len(post.body)),
    }
    assert list(post.json) == ["timestamp", "email", "campaign_name", "campaign_id", "umk"]
    assert (post.json["email"], post.json["campaign_id"]) == ("john@doe.com", 13118)


async def test_what_the_event_does_not_say_is_found_by_its_message(means: Means, receive: Receive) -> None:
    receiver = await receive()
    act = feed_act(saved(receiver), means)
    await act.perform(OPENED, 1)
    await act.perform(SENT, 1)
    opened, sent = receiver.posts
    assert opened.json["email"] == "john@doe.com"
    assert opened.json["umk"] == sent.json["umk"]


async def test_what_one_feed_found_another_has_for_a_moment_and_nobody_after_an_erasure(
    means: Means, clock: ManualClock, state: Engine, receive: Receive
) -> None:
    """STD-7"""
    receiver = await receive()
    one, other = (
        feed_act(msgspec.structs.replace(saved(receiver), name=name), means) for name in ("one", "other")
    )
    await one.perform(OPENED, 1)
    with state.begin() as connection:
        connection.execute(update(MESSAGES).values(address="somebody@else.example"))
    await other.perform(OPENED, 1)
    means.recent.clear()
    await other.perform(OPENED, 2)
    with state.begin() as connection:
        connection.execute(update(MESSAGES).values(address="third@else.example"))
    await clock.advance(KEPT)
    await other.perform(OPENED, 3)
    told = [post.json["email"] for post in receiver.posts]
    assert told == ["john@doe.com", "john@doe.com", "somebody@else.example", "third@else.example"]


async def test_what_is_read_together_is_looked_up_together_and_forgotten_by_an_erasure(
    means: Means, state: Engine, receive: Receive
) -> None:
    """STD-7"""
    receiver = await receive()
    act = feed_act(saved(receiver), means)
    clicked = event(LinkClicked(message=WANTED.id, url="https://a.test/"))
    unknown = event(MessageOpened(message="nobody-knows-it"))
    assert act.prepare is not None
    act.prepare([OPENED, clicked, unknown])
    with state.begin() as connection:
        connection.execute(update(MESSAGES).values(address="somebody@else.example"))
    assert await act.perform(unknown, 1) == Skipped()
    await act.perform(OPENED, 1)
    means.recent.clear()
    await act.perform(clicked, 1)
    assert [post.json["email"] for post in receiver.posts] == ["john@doe.com", "somebody@else.example"]


def test_what_is_kept_of_the_moment_is_bounded(means: Means) -> None:
    for _ in range(MOST + 1):
        means.recent.keep(event(OPENED.data), Context(Options()), 0.0)
    means.recent.keep(OPENED, Context(Options()), 0.0)
    assert len(means.recent._found) == MOST and means.recent.context(OPENED, Options(), 0.5) is not None
    for _ in range(MOST - 2):
        means.recent.keep(event(OPENED.data), Context(Options()), 0.0)
    means.recent.keep(OPENED, Context(Options()), 0.0)
    for _ in range(2):
        means.recent.keep(event(OPENED.data), Context(Options()), 0.0)
    assert means.recent.has(OPENED, 0.5), "what was found again is not the oldest"


async def test_a_text_names_the_address_of_the_person_behind_the_number(
    means: Means, state: Engine, receive: Receive
) -> None:
    number = "+15417540000"
    fold(
        state,
        event(PersonCreated(person=Customer(id=7, email="jane@doe.com", sms_phone_number_e164=number))),
    )
    wanted = event(MessageRequested(channel="sms", address=number, template="hello"))
    fold(state, wanted)
    receiver = await receive()
    act = feed_act(saved(receiver), means)
    for data in (
        MessageSent(channel="sms", message=wanted.id, address=number, sender="+15417541111", body="Hello"),
        LinkClicked(message=wanted.id, url="https://a.test/"),
        ConsentWithdrawn(channel="sms", address=number, how="reply"),
    ):
        assert await act.perform(event(data, subject=f"phone:{number}"), 1) == Delivered("200")
    assert [post.headers["X-Event-Topic"] for post in receiver.posts] == [
        "sms/sent",
        "sms/clicked",
        "sms/unsubscribed",
    ]
    assert {post.json["email"] for post in receiver.posts} == {"jane@doe.com"}


async def test_the_account_chooses_hex(means: Means, receive: Receive) -> None:
    """RM-14"""
    receiver = await receive()
    hexed = with_other(means, directory=directory(SECRET, hmac_form="hex"))
    await feed_act(saved(receiver), hexed).perform(SENT, 1)
    (post,) = receiver.posts
    assert post.headers["X-Event-Hmac-SHA256"] == hmac.new(SECRET.encode(), post.body, "sha256").hexdigest()


async def test_a_retry_sends_the_same_body_under_the_same_signature(means: Means, receive: Receive) -> None:
    """RM-15"""
    receiver = await receive(500, 503, 200)
    act = feed_act(saved(receiver), means)
    outcomes = [await act.perform(SENT, attempt) for attempt in (1, 2, 3)]
    assert outcomes == [Retry("answered 500: why?"), Retry("answered 503: why?"), Delivered("200")]
    first, *others = receiver.posts
    assert all((post.body, post.headers) == (first.body, first.headers) for post in others)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_2xx_is_a_delivery(means: Means, receive: Receive, status: int) -> None:
    """RM-15"""
    assert await feed_act(saved(await receive(status)), means).perform(SENT, 1) == Delivered(str(status))


@pytest.mark.parametrize("answer", [500, 502, 503, 504, 599, "reset"])
async def test_5xx_and_a_lost_connection_are_tried_again(
    means: Means, receive: Receive, answer: int | str
) -> None:
    """RM-15"""
    assert isinstance(await feed_act(saved(await receive(answer)), means).perform(SENT, 1), Retry)


async def test_silence_is_tried_again(means: Means, receive: Receive, settings: Settings) -> None:
    """RM-15"""
    hasty = with_other(means, settings=msgspec.structs.replace(settings, webhook_timeout=0.5))
    outcome = await feed_act(saved(await receive("hang")), hasty).perform(SENT, 1)
    assert isinstance(outcome, Retry) and outcome.why.startswith("timeout:")


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 408, 410, 418, 429])
async def test_3xx_and_4xx_are_not_tried_again(means: Means, receive: Receive, status: int) -> None:
    """RM-15: S3 names only the timeout and 5xx."""
    outcome = await feed_act(saved(await receive(status)), means).perform(SENT, 1)
    assert isinstance(outcome, Refused)
    assert outcome.why == f"answered {status}: why?"


async def test_nobody_listening_is_tried_again(means: Means, receive: Receive) -> None:
    """RM-15"""
    outcome = await feed_act(saved("http://127.0.0.1:1/"), means).perform(SENT, 1)
    assert isinstance(outcome, Retry)
    assert outcome.why.startswith("connect:")


async def test_an_address_that_must_not_be_called_is_refused_for_good(means: Means) -> None:
    outcome = await feed_act(saved("http://169.254.169.254/latest/"), means).perform(SENT, 1)
    assert isinstance(outcome, Refused)
    assert "metadata" in outcome.why


async def test_the_newest_secret_signs_and_without_one_it_waits(means: Means, receive: Receive) -> None:
    receiver = await receive()
    bare = with_other(means, directory=directory())
    outcome = await feed_act(saved(receiver), bare).perform(SENT, 1)
    assert isinstance(outcome, Retry)
    assert "heliograph keys add" in outcome.why
    assert receiver.posts == []


@pytest.mark.parametrize(
    "happened",
    [
        event(MessageSent(message=WANTED.id, address="john@doe.com"), account=OTHER),
        event(SuppressionAdded(address="a@b.c", type="unsubscribed"), account="000000000000"),
        event(MessageOpened(campaign="89r4i3l4")),
        event(MessageSent(channel="push", message=WANTED.id, address="token")),
        msgspec.structs.replace(SENT, data=Redacted()),
    ],
    ids=["another account's", "nobody's", "a tracking code's", "a push message's", "an erased person's"],
)
async def test_nothing_is_sent_of_what_is_not_for_this_feed(
    means: Means, receive: Receive, happened: AnyEvent
) -> None:
    receiver = await receive()
    assert await feed_act(saved(receiver), means).perform(happened, 1) == Skipped()
    assert receiver.posts == []


async def test_a_message_of_another_account_is_not_looked_into(
    means: Means, state: Engine, receive: Receive
) -> None:
    foreign = event(MessageRequested(address="secret@other.example", template="x"), account=OTHER)
    fold(state, foreign)
    receiver = await receive()
    opened = event(MessageOpened(message=foreign.id))
    assert await feed_act(saved(receiver), means).perform(opened, 1) == Skipped()
    assert receiver.posts == []


async def test_the_mail_about_a_failing_feed_is_told_on_no_feed(
    means: Means, state: Engine, receive: Receive
) -> None:
    """Else a dead receiver would earn its owner a mail about the mail, for ever."""
    notice = event(MessageRequested(address=ADMIN, template=FAILURE_TEMPLATE, transactional=True))
    fold(state, notice)
    receiver = await receive()
    act = feed_act(saved(receiver), means)
    for data in (MessageSent(message=notice.id, address=ADMIN), MessageOpened(message=notice.id)):
        assert await act.perform(event(data), 1) == Skipped()
    assert receiver.posts == []


def test_a_feed_takes_the_kinds_it_asks_for_as_far_as_its_dialect_has_words(means: Means) -> None:
    every = feed_act(saved("https://a.test/"), means)
    some = feed_act(saved("https://a.test/", ["message.opened", "order.created", "link.clicked"]), means)
    assert some.kinds == {"message.opened", "link.clicked"}
    assert len(every.kinds) == 11
    assert not any(kind.startswith(("feed.", "run.", "template.", "automation.")) for kind in every.kinds)


def test_an_act_is_known_by_account_and_feed(means: Means) -> None:
    act = feed_act(saved("https://a.test/", concurrency=3), means)
    assert (act.name, act.concurrency) == (f"feed:{ACCOUNT}:shop", 3)
    assert feed_act(saved("https://a.test/"), means).concurrency == 32


def test_the_schedule_is_that_of_the_document(means: Means) -> None:
    """RM-15: "in increasing intervals, for 2 hours" (S3:L777)."""
    schedule = feed_act(saved("https://a.test/"), means).schedule
    minutes = [gap / 60 for gap in schedule]
    assert schedule[:2] == (10, 30)
    assert minutes[2:] == [1, 2, 5, 10, 20, 30, 45]
    assert 1.75 * 3600 < sum(schedule) <= 2 * 3600


async def given_up(act: Act, happened: AnyEvent = SENT) -> Sequence[AnyEvent]:
    assert act.gave_up is not None
    return act.gave_up(happened, "answered 503", 10)


async def test_giving_up_is_recorded_and_the_administrator_gets_a_mail(means: Means) -> None:
    """RM-15"""
    failed, notice = await given_up(feed_act(saved("https://hooks.test/in?token=7"), means))
    assert failed.data == FeedFailed(name="shop", reason="answered 503", event=SENT.id, attempts=10)
    assert (failed.cause, failed.account, failed.recorded) == (SENT.id, ACCOUNT, NOW)
    assert isinstance(notice.data, MessageRequested)
    assert (notice.data.address, notice.data.template) == (ADMIN, "feed-failed")
    assert notice.data.transactional
    assert notice.data.context == {
        "failure": {
            "feed": "shop",
            "endpoint": "https://hooks.test/in",
            "event": SENT.id,
            "reason": "answered 503",
            "attempts": 10,
            "at": "2023-11-14T22:13:20.000000Z",
        }
    }
    assert notice.cause == failed.id
    assert is_derived(failed.id)
    assert is_derived(notice.id)


async def test_the_mail_to_the_administrator_says_everything_it_knows(means: Means) -> None:
    notice = (await given_up(feed_act(saved("https://hooks.test/in"), means)))[1]
    assert isinstance(notice.data, MessageRequested)
    template = Environment().from_string(BUILTIN_TEMPLATES[FAILURE_TEMPLATE]["text"])
    written = template.render(**notice.data.context)
    assert all(str(value) in written for value in notice.data.context["failure"].values())
    assert "{" not in written


async def test_there_is_one_mail_an_hour_for_each_feed(means: Means, clock: ManualClock) -> None:
    act, other = (feed_act(saved_as(name), means) for name in ("one", "two"))
    first_failed, first = await given_up(act)
    second_failed, second = await given_up(act, OPENED)
    assert first_failed.id != second_failed.id
    assert first.id == second.id  # recorded once
    assert (await given_up(other))[1].id != first.id
    await clock.advance(3600)
    assert (await given_up(act, OPENED))[1].id != first.id


async def test_without_an_administrator_only_the_failure_is_recorded(means: Means) -> None:
    silent = with_other(means, directory=directory(SECRET, admin=""))
    (failed,) = await given_up(feed_act(saved("https://a.test/"), silent))
    assert failed.kind == "feed.failed"


def saved_as(name: str) -> Feed:
    return msgspec.structs.replace(saved("https://a.test/"), name=name)


def with_other(means: Means, **changes: Any) -> Means:
    return dataclasses.replace(means, **changes)


def feed_saved(name: str, **changes: Any) -> Data:
    return FeedSaved(**({"name": name, "dialect": "remarkety", "endpoint": "https://a.test/"} | changes))


def test_every_active_feed_has_an_act_and_a_broken_one_harms_no_other(
    means: Means, state: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    fold(
        state,
        event(feed_saved("good", kinds=("message.sent",))),
        event(feed_saved("held")),
        event(FeedPaused(name="held")),
        event(feed_saved("gone")),
        event(FeedRemoved(name="gone")),
        event(feed_saved("plain", endpoint="http://a.test/")),
        event(feed_saved("odd", options={"concurrency": 0})),
        event(feed_saved("strange", dialect="semaphore")),
        event(feed_saved("good"), account=OTHER),
    )
    strict = with_other(means, settings=Settings())
    with caplog.at_level(logging.WARNING, "heliograph.feeds"):
        acts = feed_acts(strict)
    assert [act.name for act in acts] == [f"feed:{ACCOUNT}:good", f"feed:{OTHER}:good"]
    assert acts[0].kinds == {"message.sent"}
    assert all(act.born == NOW for act in acts), "they begin where they were saved"
    for name, reason in (("plain", "https"), ("odd", "concurrency"), ("strange", "no dialect")):
        assert any(name in line and reason in line for line in caplog.messages), name


@pytest.mark.parametrize(
    ("changes", "field", "word"),
    [
        ({"dialect": "sns"}, "dialect", "remarkety"),
        ({"endpoint": "http://a.test/"}, "endpoint", "webhook_https_only"),
        ({"endpoint": "ftp://a.test/"}, "endpoint", "http"),
        ({"endpoint": "https://user:pw@a.test/"}, "endpoint", "user"),
        ({"endpoint": "https://"}, "endpoint", "host"),
        ({"kinds": ["feed.failed"]}, "kinds", "feed.failed"),
        ({"kinds": ["run.started"]}, "kinds", "run.started"),
        ({"kinds": ["automation.saved"]}, "kinds", "automation.saved"),
        ({"kinds": ["no.such"]}, "kinds", "no.such"),
        ({"kinds": ["order.created"]}, "kinds", "none of these"),
        ({"options": {"concurrency": 129}}, "options", "128"),
        ({"options": {"concurency": 1}}, "options", "concurency"),
        ({"options": {"user_agent": "a\r\nX: y"}}, "options", "user_agent"),
        ({"options": {"user_agent": ""}}, "options", "user_agent"),
        ({"options": {"topics": ["email/open"]}}, "options", "email/open"),
    ],
)
def test_a_wrong_subscription_is_refused_and_the_field_named(
    changes: dict[str, Any], field: str, word: str
) -> None:
    good: dict[str, Any] = {
        "account": ACCOUNT,
        "name": "shop",
        "dialect": "remarkety",
        "endpoint": "https://a.test/",
    }
    subscribe(Settings(), **good)
    with pytest.raises(BadRequest, match=word) as caught:
        subscribe(Settings(), **(good | changes))
    assert caught.value.field == field


async def test_a_feed_can_end_in_a_queue_of_ours(means: Means, queues: QueueFile) -> None:
    """MG-2: the queue is made when the first event goes in, as the vendor's clients make theirs."""
    feed = msgspec.structs.replace(saved("queue:activity"), dialect="messagegears")
    act = feed_act(feed, means)
    assert isinstance(await act.perform(OPENED, 1), Delivered)
    queue = await queues.do(lambda connection: keeping.get(connection, ACCOUNT, "activity"))
    assert (queue.number("VisibilityTimeout"), queue.number("MaximumMessageSize")) == (600, 65_536)
    (message,) = await queues.do(
        lambda c: messages.receive(c, queue, 10, 30, NOW // 1000, in_flight=messages.InFlight())
    )
    assert message.body.startswith("<ActivityItems><OpenActivity><RequestId>t")
    assert f"<ActivityId>{OPENED.id}</ActivityId>" in message.body


async def test_what_begins_together_goes_into_a_queue_in_one_step_and_in_its_order(
    means: Means, queues: QueueFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps, do = [], queues.do
    monkeypatch.setattr(queues, "do", lambda work, **options: steps.append(work) or do(work, **options))
    feed = msgspec.structs.replace(saved("queue:activity"), dialect="messagegears")
    opens = [event(OPENED.data) for _ in range(5)]
    outcomes = await asyncio.gather(*(feed_act(feed, means).perform(one, 1) for one in opens))
    assert all(isinstance(outcome, Delivered) for outcome in outcomes) and len(steps) == 1
    queue = await do(lambda connection: keeping.get(connection, ACCOUNT, "activity"))
    put = await do(lambda c: messages.receive(c, queue, 10, 30, NOW // 1000, in_flight=messages.InFlight()))
    told = [re.search(r"<ActivityId>([^<]+)<", message.body) for message in put]
    assert [found[1] for found in told if found] == [one.id for one in opens]
    assert [Delivered(message.id) for message in put] == outcomes


async def test_a_fifo_queue_takes_an_event_once(means: Means, queues: QueueFile) -> None:
    feed = msgspec.structs.replace(saved("queue:activity.fifo"), dialect="messagegears")
    act = feed_act(feed, means)
    first, second = await act.perform(OPENED, 1), await act.perform(OPENED, 2)
    assert isinstance(first, Delivered) and first == second
    queue = await queues.do(lambda connection: keeping.get(connection, ACCOUNT, "activity.fifo"))
    (message,) = await queues.do(
        lambda c: messages.receive(c, queue, 10, 30, NOW // 1000, in_flight=messages.InFlight())
    )
    assert message.group == OPENED.subject


@pytest.mark.parametrize("endpoint", ["queue:", "queue:a b", "queue:" + "a" * 81, "queue:x.fifo.fifo"])
def test_a_queue_that_cannot_be_is_refused_when_the_feed_is_saved(endpoint: str, settings: Settings) -> None:
    with pytest.raises(BadRequest, match="queue:NAME"):
        subscribe(settings, account=ACCOUNT, name="f", dialect="messagegears", endpoint=endpoint)
