"""Reports: what is counted, once, and moves when more is known (LIT-13, LIT-14)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete
from state_world import ACCOUNT, NOW, OTHER, World, dump, fold, recorded

from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.events.consent import ConsentWithdrawn, UnsubscriptionRequested
from heliograph.events.engagement import (
    TRAP,
    LinkClicked,
    MessageForwarded,
    MessageOpened,
    MessagePrinted,
    MessageRead,
    ReaderJudged,
)
from heliograph.events.event import AnyEvent
from heliograph.events.messages import (
    Campaign,
    MessageBounced,
    MessageComplained,
    MessageRequested,
    MessageSent,
    MessageSuppressed,
)
from heliograph.journal.consumer import Erased
from heliograph.react.state.reports import asking
from heliograph.react.state.reports.asking import Subject
from heliograph.react.state.reports.counting import FOLD
from heliograph.react.state.reports.figures import Report, Unique

SPRING = Campaign(id=7, name="Spring", group="Seasons")
CODE = "89r4i3l4"
BOUNCE: dict[str, Any] = {"address": "a@x.example", "code": 10, "details": "no such user"}


def request(world: World, person: str = "p", **how: Any) -> str:
    """A message of the campaign; its id."""
    given_: dict[str, Any] = {"address": f"{person}@x.example", "template": "t", "campaign": SPRING, **how}
    return world.happen(MessageRequested(person=person, **given_)).id


def sent(world: World, person: str = "p", **how: Any) -> str:
    message = request(world, person, **how)
    world.happen(MessageSent(message=message, address=f"{person}@x.example"))
    return message


def judged(event: AnyEvent, reader: Any = "human", **how: Any) -> ReaderJudged:
    return ReaderJudged(event=event.id, reader=reader, reason="r", **how)


def of_campaign(world: World | Connection, name: str = "7", account: str = ACCOUNT) -> Report:
    connection = world.connection if isinstance(world, World) else world
    return asking.whole(connection, Subject(account, "campaign", name))


def of_code(connection: Connection) -> Report:
    return asking.whole(connection, Subject(ACCOUNT, "code", CODE))


def test_every_open_counts_and_every_person_once(world: World) -> None:
    """LIT-13"""
    first, second = sent(world, "p"), sent(world, "q")
    for message in (first, first, second):
        world.happen(judged(world.happen(MessageOpened(message=message))))
    found = of_campaign(world)
    assert found.opens.total == 3
    assert found.opens.unique == Unique(all=2, by_person=2, reliable=2)


def test_two_mails_of_a_campaign_to_one_person_have_one_reader(world: World) -> None:
    for job in ("one", "two"):
        world.happen(MessageOpened(message=sent(world, job=job)))
    assert of_campaign(world).opens.unique.all == 1
    assert asking.whole(world.connection, Subject(ACCOUNT, "job", "two")).opens.total == 1


def test_client_and_reading_reports_leave_out_unreliable_opens_and_dark_mode_does_not(world: World) -> None:
    """LIT-14: light, dark and unknown are all opens."""
    message = sent(world)
    apple = {"mail_client": "Apple Mail", "mail_client_specific": "Via Apple's Image Cache Dark Mode"}
    phone = {"mail_client": "Apple iPhone", "mail_client_specific": "Apple iPhone", "platform": "mobile"}
    for mode, reliable, client in (("dark", False, apple), ("light", True, phone), ("", True, phone)):
        opened = world.happen(MessageOpened(message=message, mode=mode))
        world.happen(judged(opened, "human" if reliable else "privacy_proxy", reliable=reliable, **client))
        world.happen(MessageRead(open=opened.id, message=message, seconds=8, category="Read"))
    found = of_campaign(world)
    assert (found.opens.total, found.opens.reliable, found.opens.unreliable) == (3, 2, 1)
    modes = found.opens.modes
    assert (modes.dark, modes.light, modes.unknown) == (1, 1, 1)
    assert [(client.name, client.opens, client.share) for client in found.clients] == [("Apple iPhone", 2, 1)]
    assert [client.name for client in found.specific_clients] == ["Apple iPhone"]
    assert [(platform.name, platform.opens) for platform in found.platforms] == [("mobile", 2)]
    assert (found.reading.read, found.reading.mean_seconds) == (2, 8)


def test_a_verdict_may_know_how_an_open_was_displayed(world: World) -> None:
    """LIT-4, LIT-14: a mark that came on its own."""
    opened = world.happen(MessageOpened(message=sent(world)))
    world.happen(judged(opened, mode="dark"))
    world.happen(judged(opened, "scanner", reliable=False))
    modes = of_campaign(world).opens.modes
    assert (modes.dark, modes.light, modes.unknown) == (1, 0, 0)


def test_people_and_machines_stand_side_by_side(world: World) -> None:
    """STD-6"""
    message = sent(world)
    for reader in ("human", "scanner", "bot", None):
        opened = world.happen(MessageOpened(message=message))
        if reader:
            world.happen(judged(opened, reader, reliable=reader == "human"))
    opens = of_campaign(world).opens
    assert (opens.total, opens.by_person, opens.by_machine, opens.unjudged) == (4, 1, 2, 1)
    assert opens.readers == {"bot": 1, "human": 1, "scanner": 1, "unjudged": 1}


def test_a_verdict_that_changes_moves_the_count(world: World) -> None:
    message = sent(world)
    opened = world.happen(MessageOpened(message=message))
    world.happen(judged(opened, "human", mail_client="Gmail"))
    assert of_campaign(world).rates.opened == 1
    world.happen(judged(opened, "scanner", reliable=False))
    found = of_campaign(world)
    assert (found.opens.total, found.opens.by_person, found.opens.by_machine) == (1, 0, 1)
    assert found.opens.unique == Unique(all=1, by_person=0, reliable=0)
    assert found.clients == [] and found.rates.opened == 0
    world.happen(judged(opened, "human"))
    assert of_campaign(world).opens.unique == Unique(all=1, by_person=1, reliable=1)


def test_what_is_known_before_the_open_counts_when_the_open_comes(world: World) -> None:
    message = sent(world)
    opened = recorded(MessageOpened(message=message, mode="dark"), now=NOW + 60 * SECOND)
    world.happen(judged(opened, "human", platform="mobile"))
    world.happen(MessageRead(open=opened.id, message=message, seconds=2, category="Skimmed"))
    fold(world.connection, [opened])
    found = of_campaign(world)
    assert (found.opens.by_person, found.opens.modes.dark, found.reading.skimmed) == (1, 1, 1)
    assert dump(world.connection, FOLD.tables)["report_early"] == []


@pytest.mark.parametrize(
    ("seconds", "category", "name"),
    [(0, "Glanced", "glanced"), (2, "Skimmed", "skimmed"), (20, "Read", "read"), (-1, "Not Supported", "not_supported")],
)  # fmt: skip
def test_reading_is_told_in_its_categories(world: World, seconds: int, category: Any, name: str) -> None:
    """LIT-8: as `message.read` says."""
    opened = world.happen(MessageOpened(message=sent(world)))
    world.happen(judged(opened))
    assert of_campaign(world).reading.unmeasured == 1
    world.happen(MessageRead(open=opened.id, seconds=seconds, category=category))
    found = of_campaign(world).reading
    assert (getattr(found, name), found.unmeasured) == (1, 0)
    assert found.mean_seconds == (seconds if seconds >= 0 else None)


def test_clicks_are_told_by_link_and_the_trap_is_none(world: World) -> None:
    first, second = sent(world, "p"), sent(world, "q")
    clicks = [
        LinkClicked(message=first, url="https://x.example/a?email=p@x.example#top", link=0),
        LinkClicked(message=first, url="https://x.example/a?email=other", link=0),
        LinkClicked(message=second, url="https://x.example/b", link=1, name="shop"),
        LinkClicked(message=second, url="https://x.example/t", name=TRAP),
    ]
    for click in clicks:
        machine = click.name == TRAP
        event = world.happen(click)
        world.happen(judged(event, "scanner" if machine else "human", reliable=not machine))
    found = of_campaign(world).clicks
    assert (found.total, found.by_person, found.trap) == (4, 3, 1)
    assert found.unique == Unique(all=2, by_person=2, reliable=2)
    assert [(one.link, one.total, one.unique.all) for one in found.links] == [
        ("https://x.example/a", 2, 1),
        ("shop", 1, 1),
    ]


def test_what_became_of_the_mail_is_counted_once_each(world: World) -> None:
    kept, bounced, refused = sent(world, "p"), sent(world, "q"), request(world, "r")
    for _ in range(2):
        world.happen(MessageBounced(message=bounced, category="Bad Mailbox", bounce_class="hard", **BOUNCE))
        world.happen(MessageComplained(message=kept, address="p@x.example"))
        world.happen(UnsubscriptionRequested(message=bounced))
        world.happen(UnsubscriptionRequested(message=kept))
        world.happen(ConsentWithdrawn(message=kept, address="p@x.example"))
    world.happen(
        MessageSuppressed(message=refused, address="r@x.example", code=130, category="Unsub", reason="u")
    )
    found = of_campaign(world)
    mail = found.mail
    assert (mail.requested, mail.sent, mail.bounced, mail.delivered, mail.refused) == (3, 2, 1, 1, 1)
    assert (mail.complained, mail.unsubscribed) == (1, 2)
    assert found.bounces.classes == {"hard": 1} and found.bounces.categories == {"Bad Mailbox": 1}
    assert found.bounces.refusals == {"Unsub": 1}
    assert (found.rates.delivered, found.rates.bounced) == (0.5, 0.5)


def test_a_message_that_was_never_taken_over_is_not_taken_off_the_delivered(world: World) -> None:
    sent(world, "p")
    at_the_door = request(world, "q")
    world.happen(MessageBounced(message=at_the_door, category="c", bounce_class="hard", **BOUNCE))
    assert of_campaign(world).mail.delivered == 1


def test_tests_and_other_accounts_do_not_count(world: World) -> None:
    message = sent(world, is_test=True)
    world.happen(MessageOpened(message=message))
    mine = sent(world)
    world.happen(MessageOpened(message=mine), account=OTHER)
    found = of_campaign(world)
    assert (found.mail.requested, found.opens.total) == (1, 0)
    assert of_campaign(world, account=OTHER) == Report()


def test_a_tracking_code_has_its_own_report_and_counts_whom_its_sender_names(world: World) -> None:
    """LIT-5"""
    for custom_id in ("a", "a", "b", "", "[UNIQUE]"):
        world.happen(MessageOpened(campaign=CODE, custom_id=custom_id))
    world.happen(MessagePrinted(campaign=CODE, custom_id="a"))
    world.happen(MessageForwarded(campaign=CODE, custom_id="b"))
    found = of_code(world.connection)
    assert (found.opens.total, found.opens.unique.all, found.prints, found.forwards) == (5, 2, 1, 1)


def test_a_code_in_our_own_mail_counts_for_both(world: World) -> None:
    message = sent(world)
    world.happen(MessageOpened(message=message, campaign=CODE, custom_id="c"))
    world.happen(MessageOpened(message=message))
    assert of_code(world.connection).opens.total == 1
    found = of_campaign(world)
    assert (found.opens.total, found.opens.unique.all) == (2, 1)


def test_an_open_that_must_not_be_tied_to_a_person_counts_as_its_message(world: World) -> None:
    """STD-7"""
    first, second = sent(world), sent(world)
    for message in (first, first, second):
        world.happen(MessageOpened(message=message), subject=f"message:{message}")
    assert of_campaign(world).opens.unique.all == 2


def test_hours_and_days_are_the_zones_own(world: World) -> None:
    message = sent(world)
    midnight = NOW // (86_400 * SECOND) * 86_400 * SECOND
    for minutes in (-10, 10, 20, 50):
        at = midnight + minutes * 60 * SECOND
        world.happen(MessageOpened(message=message), at=at)
    subject = Subject(ACCOUNT, "campaign", "7")

    def course(step: Any, zone: Any) -> list[tuple[str, int]]:
        return [
            (point.at, point.opens)
            for point in asking.course(world.connection, subject, step, zone)
            if point.opens
        ]

    assert course("day", ZoneInfo("UTC")) == [("2023-11-13", 1), ("2023-11-14", 3)]
    assert course("day", ZoneInfo("America/New_York")) == [("2023-11-13", 4)]
    assert course("hour", ZoneInfo("Asia/Kathmandu")) == [
        ("2023-11-14T05:00:00+05:45", 2),
        ("2023-11-14T06:00:00+05:45", 2),
    ]
    assert sum(n for _, n in course("hour", timezone(timedelta(hours=-3)))) == 4


def test_a_course_tells_what_happened_in_each_hour(world: World) -> None:
    message = sent(world)
    world.happen(judged(world.happen(MessageOpened(message=message))))
    world.happen(judged(world.happen(MessageOpened(message=message)), "bot", reliable=False))
    world.happen(judged(world.happen(MessagePrinted(message=message))))
    world.happen(MessageForwarded(message=message))
    world.happen(judged(world.happen(LinkClicked(message=message, url="/a"))))
    world.happen(UnsubscriptionRequested(message=message))
    subject = Subject(ACCOUNT, "campaign", "7")
    (point,) = asking.course(world.connection, subject, "hour", ZoneInfo("UTC"))
    assert point == asking.Point(
        at="2023-11-14T22:00:00+00:00",
        sent=1,
        opens=2,
        opens_by_person=1,
        opens_reliable=1,
        clicks=1,
        clicks_by_person=1,
        prints=1,
        forwards=1,
        unsubscribed=1,
    )


def test_a_course_is_cut_by_instants(world: World) -> None:
    message = sent(world)
    for hour in range(3):
        world.happen(MessageOpened(message=message), at=NOW - hour * 3600 * SECOND)
    points = asking.course(
        world.connection,
        Subject(ACCOUNT, "campaign", "7"),
        "hour",
        ZoneInfo("UTC"),
        since=NOW - 3600 * SECOND,
        until=NOW - 1800 * SECOND,
    )
    assert [point.opens for point in points] == [1]


def test_what_is_reported_on_is_listed_the_latest_first(world: World) -> None:
    sent(world, campaign=Campaign(id=1, name="Old"))
    world.now += 3_600 * SECOND
    sent(world)
    found = asking.titles(world.connection, ACCOUNT, "campaign")
    assert [(one.name, one.title) for one in found] == [("7", "Spring"), ("1", "Old")]
    assert asking.titles(world.connection, OTHER, "campaign") == []
    named = asking.find(world.connection, ACCOUNT, "Spring")
    assert named == Subject(ACCOUNT, "campaign", "Spring")
    assert asking.find(world.connection, ACCOUNT, "nothing") is None


def test_who_is_erased_leaves_the_counts(world: World) -> None:
    """STD-7"""
    message = sent(world, job="one")
    world.happen(MessageOpened(message=sent(world, job="two")))
    opened = world.happen(MessageOpened(message=message))
    world.happen(MessageOpened(campaign=CODE, custom_id="p@x.example"))
    before, code = of_campaign(world), of_code(world.connection)
    rows = dump(world.connection, FOLD.tables)
    who = {row[2] for row in rows["report_readers"]}
    references = ("person:p", "email:p@x.example", f"message:{message}")
    FOLD.forget(world.connection, Erased(ACCOUNT, "p", references))  # type: ignore[misc]
    assert of_campaign(world) == before and of_code(world.connection) == code
    rows = dump(world.connection, FOLD.tables)
    assert not who & {row[2] for row in rows["report_readers"]}
    assert all(row[5] is None for row in rows["report_visits"])
    assert message not in {row[0] for row in rows["report_messages"]}
    world.happen(judged(opened, "human"))
    assert of_campaign(world).opens.by_person == 1


ENGINE = memory_state()

stories = st.lists(
    st.tuples(
        st.integers(0, 7),  # which visit
        st.sampled_from(["open", "click", "judged", "read"]),
        st.sampled_from(["human", "scanner", "unknown"]),
        st.booleans(),
    ),
    max_size=30,
)


def told(story: Sequence[tuple[int, str, str, bool]]) -> list[AnyEvent]:
    """A story as events; what is known of a visit may be told before it, after it, and again."""
    requested = [
        recorded(MessageRequested(person=f"p{n}", address="a@x.example", template="t", campaign=SPRING), now=NOW, id=f"{n:036d}")
        for n in range(3)
    ]  # fmt: skip
    out, now = list(requested), NOW
    for visit, kind, reader, reliable in story:
        now += SECOND
        own, message = f"{visit + 100:036d}", requested[visit % 3].id
        clicked = visit > 3
        if kind in ("open", "click"):
            data: Any = LinkClicked(message=message, url="/a") if clicked else MessageOpened(message=message)
            out.append(recorded(data, now=now, at=NOW + visit * 1_000 * SECOND, id=own))
        elif kind == "judged":
            verdict: Any = {"event": own, "reader": reader, "reason": "r", "reliable": reliable}
            out.append(recorded(ReaderJudged(**verdict), now=now))
        else:
            out.append(recorded(MessageRead(open=own, seconds=8 if reliable else 0, category="Read" if reliable else "Glanced"), now=now))  # fmt: skip
    return out


def counted(batches: Sequence[Sequence[AnyEvent]]) -> tuple[Report, dict[str, Any]]:
    with ENGINE.connect() as connection, connection.begin() as transaction:
        for table in FOLD.tables:
            connection.execute(delete(table))
        for batch in batches:
            FOLD.apply(connection, batch)
        found = of_campaign(connection), dump(connection, FOLD.tables)
        transaction.rollback()
    return found


@settings(max_examples=60, deadline=None)
@given(story=stories, seed=st.integers(0, 99), parts=st.integers(1, 5))
def test_reports_are_the_same_however_events_are_cut_and_repeated(
    story: list[tuple[int, str, str, bool]], seed: int, parts: int
) -> None:
    """At once, in pieces, with pieces repeated, one by one, and counted by hand."""
    events, dice = told(story), random.Random(seed)  # noqa: S311 - a sample
    report, state = counted([events])
    cuts = sorted(dice.randrange(len(events) + 1) for _ in range(parts))
    pieces = [events[a:b] for a, b in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    assert counted(pieces) == (report, state)
    assert counted([piece for piece in pieces for _ in range(2)])[0] == report
    assert counted([[event] for event in events]) == (report, state)
    by_hand(report, events)


def by_hand(report: Report, events: Sequence[AnyEvent]) -> None:
    """The same figures from the whole story: the last verdict on each visit that happened."""
    visits = {event.id: event for event in events if isinstance(event.data, MessageOpened | LinkClicked)}
    verdicts = {event.data.event: event.data for event in events if isinstance(event.data, ReaderJudged)}
    read = {event.data.open: event.data for event in events if isinstance(event.data, MessageRead)}
    opens = [one for one in visits.values() if isinstance(one.data, MessageOpened)]
    assert report.opens.total == len(opens)
    assert report.clicks.total == len(visits) - len(opens)
    human = [one for one in opens if one.id in verdicts and verdicts[one.id].by_person]
    assert report.opens.by_person == len(human)
    assert report.opens.unique.by_person == len({one.data.message for one in human})  # type: ignore[attr-defined]
    reliable = [one for one in opens if one.id in verdicts and verdicts[one.id].reliable]
    assert report.opens.reliable == len(reliable)
    assert report.reading.read == sum(one.id in read and read[one.id].category == "Read" for one in reliable)
