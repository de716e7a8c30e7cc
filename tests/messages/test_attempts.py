"""What the journal's record of a message means for an attempt at it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from mail_world import MESSAGE

from heliograph.events.event import derived_id
from heliograph.outbound.messages.attempts import (
    FINAL,
    Deferred,
    Go,
    Settled,
    Unanswered,
    attempt_id,
    deferral_id,
    doubt_id,
    judge,
    pause,
    pause_for_room,
    schedule,
)


def history(*said: str) -> dict[str, str]:
    """`a1`: attempt 1 was begun; `d1`: it was put off; `?1`: it is in doubt; else a kind."""
    made = {}
    for word in said:
        ids = {"a": attempt_id, "d": deferral_id, "?": doubt_id}
        if word[0] in ids and word[1:].isdigit():
            made[ids[word[0]](MESSAGE, int(word[1:]))] = word[0]
        else:
            made[derived_id(MESSAGE, word)] = word
    return made


@pytest.mark.parametrize(
    ("said", "attempt", "judgement"),
    [
        ("", 1, Go()),
        ("a1 d1", 2, Go()),
        ("a1 d1", 5, Go()),
        ("a1", 1, Unanswered(1)),
        ("a1 d1 a2", 2, Unanswered(2)),
        ("a1", 2, Unanswered(1)),
        ("a1 d1 a2 a3 d3", 4, Unanswered(2)),
        ("a1 d1", 1, Deferred()),
        ("a1 ?1", 1, Unanswered(1)),
        ("a1 ?1", 2, Go()),
        ("a1 ?1 a2", 2, Unanswered(2)),
        ("a1 message.sent", 1, Settled()),
        ("a1 message.bounced", 1, Settled()),
        ("message.suppressed", 1, Settled()),
        ("message.render_failed", 1, Settled()),
        ("message.cancelled", 2, Settled()),
    ],
)
def test_the_past_decides(said: str, attempt: int, judgement: object) -> None:
    assert judge(history(*said.split()), MESSAGE, attempt) == judgement


def test_what_is_final_is_final() -> None:
    assert "message.deferred" not in FINAL and "message.in_doubt" not in FINAL
    assert {"message.sent", "message.bounced", "message.suppressed", "message.render_failed"} <= FINAL


def test_the_pauses_grow_to_an_hour() -> None:
    assert [pause(attempt) / 60 for attempt in range(1, 8)] == [1, 5, 15, 30, 60, 60, 60]


@pytest.mark.parametrize(
    ("attempt", "minutes_old", "minutes"),
    [(1, 600, 1), (9, 0, 1), (9, 0.9, 1), (9, 1, 5), (9, 6, 15), (9, 5.9, 5), (9, 21, 30), (9, 51, 60)],
)
def test_what_was_not_tried_pauses_by_its_age_and_what_is_old_by_its_attempts(
    attempt: int, minutes_old: float, minutes: int
) -> None:
    assert pause(attempt, minutes_old * 60) / 60 == minutes


def test_a_message_without_room_asks_again_after_up_to_a_minute() -> None:
    assert [pause_for_room(attempt) for attempt in (1, 2, 3, 6, 7, 8, 3000)] == [1, 2, 4, 32, 60, 60, 60]
    assert all(a <= b for a, b in pairwise(schedule(86_400)))


@pytest.mark.parametrize("lifetime", [1, 60, 3600, 172_800])
def test_the_schedule_outlasts_the_lifetime(lifetime: float) -> None:
    assert sum(schedule(lifetime)) > lifetime
