"""Published pictures, looks and votes: what counts and what does not (PER-10)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from state_world import ACCOUNT, OTHER, World

from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.events.engagement import ImageShown, ReaderJudged, VoteCast
from heliograph.events.event import AnyEvent
from heliograph.events.jobs import ImageArchived, ImagePublished
from heliograph.journal.consumer import Erased
from heliograph.react.state import images

TRACKER = "t" * 25


@pytest.fixture
def world() -> Iterator[World]:
    with memory_state().connect() as connection, connection.begin():
        yield World(connection)


def vote(world: World, option: int, *, at: float = 0, **who: str) -> AnyEvent:
    """A vote; `at` in seconds after the world's beginning (0: now)."""
    when = {"at": round(at * SECOND) + 1_700_000_000 * SECOND} if at else {}
    return world.happen(VoteCast(tracker=TRACKER, option=option, **who), **when)  # type: ignore[arg-type]


def counted(connection: Connection) -> dict[int, tuple[int, int]]:
    return {
        option: (tally.clicks, tally.votes)
        for option, tally in sorted(images.tally(connection, TRACKER).items())
    }


def test_what_is_published_is_found_and_never_changes(world: World) -> None:
    """PER-15"""
    said = {"content_type": "timers", "image": "a" * 25}
    world.happen(ImagePublished(definition={"ends": 1}, **said))
    world.happen(ImagePublished(definition={"ends": 2}, **said))
    found = images.find(world.connection, "a" * 25)
    assert found is not None and found.definition == {"ends": 1} and found.account == ACCOUNT


def test_only_its_account_archives_it(world: World) -> None:
    world.happen(ImagePublished(image="a" * 25, content_type="timers", definition={}))
    world.happen(ImageArchived(image="a" * 25), account=OTHER)
    assert len(images.published(world.connection, ACCOUNT, "timers")) == 1
    world.happen(ImageArchived(image="a" * 25))
    assert images.published(world.connection, ACCOUNT, "timers") == []
    assert len(images.published(world.connection, ACCOUNT, "timers", archived=True)) == 1
    assert images.find(world.connection, "a" * 25) is not None


def test_looks_are_counted_by_variant_and_reader(world: World) -> None:
    for variant, reader in (
        ("countdown", "unknown"),
        ("countdown", "unknown"),
        ("fallback", "privacy_proxy"),
    ):
        world.happen(ImageShown(image="a" * 25, variant=variant, reader=reader))
    assert images.impressions(world.connection, ["a" * 25, "b" * 25]) == {
        "a" * 25: {("countdown", "unknown"): 2, ("fallback", "privacy_proxy"): 1},
        "b" * 25: {},
    }


def test_the_last_vote_of_a_person_is_the_one_that_counts(world: World) -> None:
    for option in (1, 1, 2, 3):
        vote(world, option, person="p")
    vote(world, 1, person="q")
    assert counted(world.connection) == {1: (3, 1), 2: (1, 0), 3: (1, 1)}


def test_a_message_to_nobody_known_votes_once_too(world: World) -> None:
    vote(world, 1, message="m")
    vote(world, 2, message="m")
    assert counted(world.connection) == {1: (1, 0), 2: (1, 1)}


def test_votes_of_nobody_count_each(world: World) -> None:
    for _ in range(3):
        vote(world, 1)
    vote(world, 2, ip="198.51.100.7", user_agent="x")
    assert counted(world.connection) == {1: (3, 3), 2: (1, 1)}


def test_a_late_word_does_not_beat_a_later_vote(world: World) -> None:
    world.now += 60 * SECOND
    vote(world, 1, at=20, person="p")
    vote(world, 2, at=10, person="p")
    assert counted(world.connection) == {1: (1, 1), 2: (1, 0)}


@pytest.mark.parametrize(
    "who", [{"person": "p"}, {"message": "m"}, {"ip": "198.51.100.7", "user_agent": "x"}]
)
def test_all_options_at_once_are_a_machine(world: World, who: dict[str, str]) -> None:
    """PER-10: link checkers follow every link of a mail within a moment."""
    for place, option in enumerate((1, 2, 3)):
        vote(world, option, at=0.1 + place / 10, **who)
    assert counted(world.connection) == {1: (1, 0), 2: (1, 0), 3: (1, 0)}
    vote(world, 2, at=60, **who)
    assert counted(world.connection) == {1: (1, 0), 2: (2, 1), 3: (1, 0)}, "the person behind it still votes"


def test_a_second_between_two_options_is_a_persons(world: World) -> None:
    vote(world, 1, at=0.001, person="p")
    vote(world, 2, at=1.001, person="p")
    assert counted(world.connection) == {1: (1, 0), 2: (1, 1)}
    vote(world, 3, at=2.0, person="p")
    assert counted(world.connection) == {1: (1, 1), 2: (1, 0), 3: (1, 0)}, "and a moment less a machine's"


def test_two_clicks_on_one_option_are_a_double_click(world: World) -> None:
    vote(world, 1, at=0.1, person="p")
    vote(world, 1, at=0.2, person="p")
    assert counted(world.connection) == {1: (2, 1)}


@pytest.mark.parametrize("reader", ["scanner", "bot", "prefetch"])
def test_a_known_machine_does_not_vote(world: World, reader: str) -> None:
    """PER-10"""
    vote(world, 1, person="p")
    vote(world, 2, person="p", reader=reader)
    assert counted(world.connection) == {1: (1, 1), 2: (1, 0)}


def test_who_is_judged_a_machine_later_is_taken_out_and_put_back(world: World) -> None:
    cast = vote(world, 1, person="p")
    for reader, votes in (("scanner", 0), ("human", 1)):
        world.happen(ReaderJudged(event=cast.id, reader=reader, reason="r"))  # type: ignore[arg-type]
        assert counted(world.connection) == {1: (1, votes)}


def test_who_is_erased_did_not_vote(world: World) -> None:
    """STD-7"""
    world.happen(ImagePublished(image=TRACKER, content_type="sentiment_trackers", definition={}))
    for option, who in ((1, "p"), (2, "p"), (2, "q"), (3, "ann@x.example")):
        vote(world, option, person=who)
    vote(world, 1, message="m")
    images.forget(world.connection, Erased(ACCOUNT, "p", ("message:m", "email:ann@x.example")))
    assert counted(world.connection) == {2: (1, 1)}
    images.forget(world.connection, Erased(OTHER, "q", ()))
    assert counted(world.connection) == {2: (1, 1)}, "another account's person of that id is somebody else"
