"""The steps of automations: waits by the clock on the wall, waits for events, branches, splits, updates, calls."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from heliograph.clock import SECOND, from_datetime
from heliograph.errors import BadRequest
from heliograph.events.commerce import Order, OrderCreated
from heliograph.events.custom import Custom
from heliograph.events.definitions import (
    RunCancelled,
    RunFinished,
    RunNoted,
    RunReached,
    RunWaiting,
    SegmentSaved,
    WebhookRequested,
)
from heliograph.events.engagement import LinkClicked
from heliograph.events.messages import Attachment, MessageRequested
from heliograph.events.people import Customer, DeviceRegistered, DeviceRemoved, PersonCreated, PersonUpdated
from heliograph.react.automations import parse
from heliograph.react.automations.runs import RUNS
from heliograph.react.state import people

ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
HOUR, DAY = 3600, 86_400


def customer(email=ANN, **fields) -> PersonCreated:
    return PersonCreated(person=Customer(email=email, **fields))


def begin(line, steps, *, who=None, **more):
    """An automation for everybody who comes, and Ann comes."""
    line.save(name="a", trigger={"kind": "person.created"}, steps=steps, **more)
    line.say(who or customer(), subject=SUBJECT)
    return line.settle()


def sent(events) -> list[str]:
    return [event.data.template for event in events if isinstance(event.data, MessageRequested)]


def notes(events) -> list[tuple[str, str]]:
    return [(event.data.what, event.data.outcome) for event in events if isinstance(event.data, RunNoted)]


def send(template, **more) -> dict:
    return {"send": {"template": template, **more}}


def instant(text: str) -> int:
    return from_datetime(datetime.fromisoformat(text).astimezone(UTC))


@pytest.mark.parametrize(
    ("until", "now", "comes"),
    [
        ("09:00", "2026-06-03T07:30+02:00", "2026-06-03T09:00+02:00"),
        ("09:00", "2026-06-03T09:30+02:00", "2026-06-04T09:00+02:00"),
        ("friday 09:00", "2026-06-03T10:00+02:00", "2026-06-05T09:00+02:00"),
        ("wednesday 09:00", "2026-06-03T08:00+02:00", "2026-06-03T09:00+02:00"),
        ("wednesday", "2026-06-03T08:00+02:00", "2026-06-10T00:00+02:00"),
        # The clocks of Berlin: 02:30 is not there on 29 March 2026, and comes twice on 25 October.
        ("02:30", "2026-03-28T12:00+01:00", "2026-03-29T03:30+02:00"),
        ("02:30", "2026-10-24T12:00+02:00", "2026-10-25T02:30+02:00"),
        ("09:00", "2026-10-24T12:00+02:00", "2026-10-25T09:00+01:00"),
    ],
)
def test_a_wait_until_a_moment_goes_by_the_persons_clock(line, until, now, comes) -> None:
    line.now = instant(now) - 2 * SECOND
    made = begin(line, [{"wait": {"until": until}}, send("x")], who=customer(time_zone="Europe/Berlin"))
    (waiting,) = (event.data for event in made if isinstance(event.data, RunWaiting))
    assert waiting.until == instant(comes)
    assert (waiting.zone, waiting.zone_source) == ("Europe/Berlin", "the person's time_zone")
    assert sent(line.pass_time((waiting.until - line.now) / SECOND)) == ["x"]


@pytest.mark.parametrize(
    ("known", "zone", "source"),
    [
        ({"time_zone": "Asia/Tokyo", "default_address": {"country_code": "DE"}}, "Asia/Tokyo", "the person's time_zone"),
        ({"time_zone": "Mars/Base"}, "Europe/Vienna", "the account"),
        ({"default_address": {"country_code": "FR"}}, "Europe/Paris", "the person's address: FR"),
        ({"sms_phone_number_e164": "+390612345678"}, "Europe/Rome", "the phone: IT"),
        (
            {"default_address": {"country_code": "US"}},
            "America/New_York",
            "the person's address: US, the first of its 29 zones",
        ),
        ({}, "Europe/Vienna", "the account"),
    ],
)  # fmt: skip
def test_the_trace_says_how_the_zone_is_known(line, known, zone, source) -> None:
    line.set(time_zone="Europe/Vienna")
    made = begin(line, [{"wait": {"until": "09:00"}}, send("x")], who=customer(**known))
    (waiting,) = (event.data for event in made if isinstance(event.data, RunWaiting))
    assert (waiting.zone, waiting.zone_source) == (zone, source)


def test_a_last_order_tells_the_zone_before_the_phone_does(line) -> None:
    address = {"country_code": "PT"}
    order = Order(id="o", email=ANN, customer=Customer(email=ANN, default_address=address))
    line.say(OrderCreated(order=order), subject=SUBJECT)
    line.settle()
    made = begin(
        line, [{"wait": {"until": "09:00"}}, send("x")], who=customer(sms_phone_number_e164="+390612345678")
    )
    (waiting,) = (event.data for event in made if isinstance(event.data, RunWaiting))
    assert waiting.zone == "Europe/Lisbon"


WAITS = [
    send("ask"),
    {
        "wait_for": {
            "kind": "order.created",
            "match": "person",
            "timeout": "2d",
            "on_event": [send("thanks")],
            "on_timeout": [send("reminder")],
        }
    },
    send("after"),
]


def test_a_wait_for_an_event_goes_on_when_it_comes(line) -> None:
    assert sent(begin(line, WAITS)) == ["ask"]
    line.say(OrderCreated(order=Order(id="o", email="bob@example.com")), subject="email:bob@example.com")
    assert line.settle() == []
    line.say(OrderCreated(order=Order(id="o1", email=ANN)), subject=SUBJECT)
    made = line.settle()
    assert sent(made) == ["thanks", "after"]
    assert notes(made) == [("event", "order.created")]
    assert line.pass_time(9 * DAY) == []


def test_and_on_another_way_when_the_time_is_up(line) -> None:
    begin(line, WAITS)
    made = line.pass_time(2 * DAY)
    assert sent(made) == ["reminder", "after"]
    assert notes(made) == [("timeout", "")]
    line.say(OrderCreated(order=Order(id="o1", email=ANN)), subject=SUBJECT)
    assert line.settle() == [], "the wait was over"


@pytest.mark.parametrize("way", ["on_event", "on_timeout"])
def test_a_way_without_steps_goes_on_behind_the_wait(line, way) -> None:
    wait = {"kind": "order.created", "timeout": "1d", "match": "person", way: [send(way)]}
    begin(line, [{"wait_for": wait}, send("after")])
    line.say(OrderCreated(order=Order(id="o1", email=ANN)), subject=SUBJECT)
    made = [*line.settle(), *line.pass_time(2 * DAY)]
    assert sent(made) == (["on_event", "after"] if way == "on_event" else ["after"])


def test_a_click_in_the_runs_own_message_is_waited_for_and_no_other(line) -> None:
    wait = {"kind": "link.clicked", "match": "message", "timeout": "2d", "on_event": [send("interested")]}
    made = begin(line, [send("offer"), {"wait_for": wait}])
    (message,) = (event for event in made if isinstance(event.data, MessageRequested))
    person = message.data.person
    line.say(LinkClicked(message=None, url="http://x"), subject=f"person:{person}")
    clicked = line.say(LinkClicked(message=message.id, url="http://x"), subject=f"person:{person}")
    line.judge(clicked, "scanner")
    line.settle()
    assert sent(line.pass_time(60)) == []
    line.judge(clicked)
    line.settle()
    line.pass_time(60)
    assert sent(line.events) == ["offer", "interested"]


@pytest.mark.parametrize(
    ("asked", "way"),
    [
        ({"person.tags": "vip"}, "then"),
        ({"person.tags": {"contains": "nobody"}}, "else"),
        ({"orders.count": {"gte": 2}, "orders.total": {"gt": 99}}, "then"),
        ({"orders.last_days": {"gt": 1}}, "else"),
        ({"event.first_name": "Ann"}, "then"),
        ({"consent.email": "unknown"}, "then"),
        ({"segments": "spenders"}, "then"),
        ({"segments": {"not_in": ["spenders"]}}, "else"),
        ({"engagement.active_days": {"exists": True}}, "else"),
        ({"person.country": "DE"}, "then"),
    ],
)
def test_a_branch_asks_of_person_event_orders_and_segments(line, asked, way) -> None:
    line.say(SegmentSaved(name="spenders", who={"orders.total": {"gte": 50}}), subject="segment:spenders")
    for number in (1, 2):
        order = Order(id=f"o{number}", email=ANN, total_price=50)
        line.say(OrderCreated(order=order), subject=SUBJECT)
    line.settle()
    steps = [{"branch": {"if": asked, "then": [send("then")], "else": [send("else")]}}, send("after")]
    who = customer(first_name="Ann", tags=["vip"], default_address={"country_code": "DE"})
    made = begin(line, steps, who=who)
    assert sent(made) == [way, "after"]
    (note,) = (event.data for event in made if isinstance(event.data, RunNoted))
    assert (note.what, note.outcome, note.path) == ("branch", way, "steps[0]")
    assert bool(note.why) is (way == "else")


def test_who_begins_a_run_can_be_asked_and_is_asked_again(line) -> None:
    who = {"orders.count": 0}
    line.save(
        name="first-order",
        trigger={"kind": "person.created", "who": who},
        steps=[{"wait": "1d"}, send("x")],
    )
    line.say(customer(), subject=SUBJECT)
    line.settle()
    line.say(OrderCreated(order=Order(id="o", email=ANN)), subject=SUBJECT)
    line.settle()
    (ended,) = (event.data for event in line.pass_time(2 * DAY) if isinstance(event.data, RunCancelled))
    assert ended.reason == "its conditions no longer hold: orders.count is 1, wanted eq 0"
    line.say(customer(first_name="Ann"), subject=SUBJECT)
    assert line.settle() == [], "and who has ordered does not begin"


def test_a_split_sends_each_person_one_way_always(line) -> None:
    split = [
        {"name": "a", "share": 3, "steps": [send("a")]},
        {"name": "b", "share": 1, "steps": [send("b")]},
    ]
    line.save(
        name="test", trigger={"kind": "person.created"}, once="event", steps=[{"split": split}, send("c")]
    )
    for _ in (1, 2):
        for number in range(200):
            email = f"p{number}@example.com"
            line.say(customer(email, first_name=str(_)), subject=f"email:{email}")
    made = line.settle()
    ways = [event.data.outcome for event in made if isinstance(event.data, RunNoted)]
    assert ways[:200] == ways[200:]
    assert 120 < Counter(ways[:200])["a"] < 180, "three quarters of 200, within chance"
    assert Counter(sent(made)) == {"c": 400, "a": ways.count("a"), "b": ways.count("b")}


def test_an_update_changes_what_is_known_of_the_person(line) -> None:
    update = {"add_tags": ["welcomed"], "remove_tags": ["new"], "set": {"score": 7}}
    made = begin(line, [{"update_person": update}, send("x")], who=customer(id="7", tags=["new", "vip"]))
    (said,) = (event for event in made if event.kind == PersonUpdated.kind)
    assert said.data.said.platform == "automation"
    ann = line.read(lambda connection: people.find(connection, said.account, email=ANN))
    assert ann.tags == ("vip", "welcomed")
    assert ann.document["score"] == 7
    assert sent(made) == ["x"]


def test_what_an_automation_changes_never_leads_back_into_it(line) -> None:
    """Two that update whom the other listens to: the chain of causes is bounded."""
    for name, tag in (("ping", "a"), ("pong", "b")):
        line.save(
            name=name,
            trigger={"kind": "person.updated"},
            once="event",
            steps=[{"update_person": {"set": {tag: 1}}}],
        )
    line.say(PersonUpdated(person=Customer(email=ANN)), subject=SUBJECT)
    started = [event.data.automation for event in line.settle() if event.kind == "run.started"]
    assert sorted(started) == ["ping", "ping", "pong", "pong"]


def test_a_call_says_of_whom_and_why(line) -> None:
    made = begin(line, [{"webhook": {"url": "https://hooks.example/a"}}])
    (call,) = (event for event in made if isinstance(event.data, WebhookRequested))
    assert call.data.url == "https://hooks.example/a"
    assert call.data.event == {"email": ANN}
    assert call.subject == f"person:{call.data.person}"
    assert made[-1].kind == RunFinished.kind


def test_an_end_leaves_out_what_follows(line) -> None:
    made = begin(
        line, [{"branch": {"if": {"person.email": ANN}, "then": [{"end": {"why": "known"}}]}}, send("x")]
    )
    assert sent(made) == []
    assert made[-1].kind == RunFinished.kind


def test_a_goal_ends_the_run_as_reached(line) -> None:
    goals = [{"kind": "order.created", "match": "person"}]
    begin(line, [send("a"), {"wait": "1d"}, send("b")], goals=goals)
    bought = line.say(OrderCreated(order=Order(id="o", email=ANN)), subject=SUBJECT)
    (reached,) = line.settle()
    assert (reached.data.goal, reached.data.by) == ("order.created", bought.id)
    assert isinstance(reached.data, RunReached)
    assert line.pass_time(9 * DAY) == []
    (row,) = line.read(lambda connection: connection.execute(RUNS.select()).all())
    assert row.state == "reached"


def test_texts_go_to_the_phone_and_pushes_to_every_device(line) -> None:
    line.say(customer(sms_phone_number_e164="+491701234567"), subject=SUBJECT)
    for device in ("d1", "gone", "d2"):
        line.say(DeviceRegistered(device=device, service="FCM", email=ANN), subject=SUBJECT)
    line.say(DeviceRemoved(device="gone", reason="unregistered"), subject="device:gone")
    line.settle()
    steps = [send("s", channel="sms"), send("p", channel="push")]
    line.save(name="a", trigger={"kind": "custom"}, steps=steps)
    line.say(Custom(name="x", body={}, email=ANN), subject=SUBJECT)
    wanted = [event for event in line.settle() if isinstance(event.data, MessageRequested)]
    assert [(one.data.channel, one.data.address) for one in wanted] == [
        ("sms", "+491701234567"),
        ("push", "d2"),
        ("push", "d1"),
    ]
    assert len({one.id for one in wanted}) == 3


def test_messages_name_the_topic_and_the_url_parameters_of_their_step_or_of_the_automation(line) -> None:
    steps = [send("a"), send("b", topic="offers", url_append="utm_content=b"), send("c", url_append="")]
    made = begin(line, steps, topic="news", url_append="utm_campaign={automation}")
    wanted = [event.data for event in made if isinstance(event.data, MessageRequested)]
    assert [(one.topic, one.url_append) for one in wanted] == [
        ("news", "utm_campaign={automation}"),
        ("offers", "utm_content=b"),
        ("news", ""),
    ]


def test_a_steps_files_are_named_by_its_message_as_they_were_written(line) -> None:
    """They are filled in and fetched when it is sent."""
    file = {
        "name": "invoice-{{ event.n }}.pdf",
        "url": "https://x.example/{{ event.n }}.pdf",
        "content_id": "i@x.example",
    }
    made = begin(line, [send("a", attachments=[file]), send("b")])
    first, second = (event.data for event in made if isinstance(event.data, MessageRequested))
    assert first.attachments == (Attachment(content_type="", **file),) and second.attachments == ()


def test_without_a_word_on_them_the_template_has_its_topic_and_parameters(line) -> None:
    made = begin(line, [send("a")])
    (wanted,) = (event.data for event in made if isinstance(event.data, MessageRequested))
    assert (wanted.topic, wanted.url_append) == (None, None)


def test_who_has_no_phone_is_skipped_with_the_reason(line) -> None:
    made = begin(line, [send("s", channel="sms"), send("m")])
    assert sent(made) == ["m"]
    (note,) = (event.data for event in made if isinstance(event.data, RunNoted))
    assert (note.what, note.why) == ("skipped", "no address for sms is known")


def test_steps_are_at_most_once_through_crashes_and_in_batches_of_any_size(make_line) -> None:
    steps = [
        {"branch": {"if": {"person.tags": "vip"}, "then": [send("vip")], "else": [send("plain")]}},
        {"update_person": {"add_tags": ["seen"]}},
        {"split": [{"name": "a", "share": 1, "steps": [send("a")]}, {"name": "b", "share": 1, "steps": []}]},
        {"webhook": {"url": "https://hooks.example/a"}},
        {"wait_for": {"kind": "order.created", "match": "person", "timeout": "1d", "on_event": [send("c")]}},
        {"wait": {"until": "09:00"}},
        send("z"),
    ]

    def play(batch: int, crash: bool) -> Counter[tuple[str, ...]]:
        line = make_line()
        line.save(name="all", trigger={"kind": "custom"}, once="event", steps=steps, recheck=False)
        for number in range(6):
            email = f"p{number}@example.com"
            line.say(Custom(name="x", body={}, email=email), subject=f"email:{email}")
            line.say(customer(email, tags=["vip"] if number % 2 else []), subject=f"email:{email}")
            if crash:
                line.decide(batch, crash=True)
            line.settle(batch)
            line.say(Custom(name="x", body={}, email=email), subject=f"email:{email}")
        line.settle(batch)
        for number in range(0, 6, 2):
            email = f"p{number}@example.com"
            line.say(OrderCreated(order=Order(id=email, email=email)), subject=f"email:{email}")
            if crash:
                line.decide(batch, crash=True)
        line.settle(batch)
        line.pass_time(3 * DAY, crash=crash)
        ids = [event.id for event in line.events]
        assert len(set(ids)) == len(ids)
        # Who goes which way in a split hangs on ids, which are new in each play.
        return Counter(
            (event.kind, *sent([event])) for event in line.events if event.cause and sent([event]) != ["a"]
        )

    stories = [play(batch, crash) for batch in (1, 2, 512) for crash in (False, True)]
    assert all(one == other for one, other in pairwise(stories))
    assert stories[0]["webhook.requested",] == 12


def nested(depth: int) -> list:
    return [send("x")] if not depth else [{"branch": {"if": {"person.a": 1}, "then": nested(depth - 1)}}]


@pytest.mark.parametrize(
    ("steps", "field"),
    [
        ([{"wait": {"until": "25:00"}}], "steps[0].wait.until"),
        ([{"wait": {"until": "someday"}}], "steps[0].wait.until"),
        ([{"wait": {"until": "09:00", "zone": "Mars/Base"}}], "steps[0].wait.zone"),
        ([{"branch": {"if": {}, "then": [send("a")]}}], "steps[0].branch.if"),
        ([{"branch": {"if": {"weather.sun": 1}}}], "steps[0].branch.if.weather.sun"),
        ([{"branch": {"if": {"person.a": {"is": 1}}}}], "steps[0].branch.if.person.a.is"),
        ([{"branch": {"if": {"person.a": 1}, "then": [{"wait": "x"}]}}], "steps[0].branch.then[0].wait"),
        ([{"split": [{"name": "a", "share": 1}]}], "steps[0].split"),
        ([{"split": [{"name": "a", "share": 0}]}], "steps[0].split[0].share"),
        ([{"wait_for": {"kind": "rain", "timeout": "1d"}}], "steps[0].wait_for.kind"),
        ([{"wait_for": {"kind": "order.created", "timeout": "soon"}}], "steps[0].wait_for.timeout"),
        ([{"update_person": {}}], "steps[0].update_person"),
        ([{"update_person": {"set": {"accepts_marketing": True}}}], "steps[0].update_person.set.accepts_marketing"),
        ([{"webhook": {"url": "ftp://x"}}], "steps[0].webhook.url"),
        ([{"end": {"because": "x"}}], "steps[0].end.because"),
        (nested(9), "steps[0]" + ".branch.then[0]" * 7 + ".branch.then"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_step_is_named_by_its_path(steps, field) -> None:
    with pytest.raises(BadRequest) as caught:
        parse({"name": "a", "trigger": {"kind": "person.created"}, "steps": steps})
    assert caught.value.field == field
