"""Has this message been tried before, and what came of it? Sending is at most once when in doubt.

Every attempt is recorded before the network is touched, under an id made of the message and the attempt's number;
every outcome is recorded afterwards, deferrals and doubts under the number too. So three situations that look alike
from outside can be told apart by what the journal holds:

* a retry after a deferral: attempt 1 and its deferral are recorded, attempt 2 is not: send;
* the same attempt once more, after a crash between attempt and outcome: attempt 1 is recorded and nothing else:
  the message may have left. It is recorded as in doubt, and parked;
* the same attempt once more, after a crash between outcome and the loop's own note of it: attempt 1 and its outcome
  are recorded: nothing is to be done.

An operator who sends a parked message again makes the loop count on: attempt 2 after a doubt is a decision taken, and
is sent. Pure: `history` is what the journal holds of the message, made by `heliograph.outbound.messages.dispatch`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from math import inf
from typing import NamedTuple

from heliograph.events import messages
from heliograph.events.event import derived_id

SCHEDULE: tuple[float, ...] = (60.0, 300.0, 900.0, 1800.0, 3600.0)
"""Seconds to wait after each deferral; the last goes on. RFC 5321 4.5.4.1 asks for 30 minutes at least on average."""
_AGES = tuple(accumulate(SCHEDULE))
"""How old a message is at its second attempt and at each further one, in seconds."""

FINAL = frozenset(
    kind.kind
    for kind in (
        messages.MessageSent,
        messages.MessageDelivered,
        messages.MessageBounced,
        messages.MessageSuppressed,
        messages.MessageRenderFailed,
        messages.MessageCancelled,
    )
)
"""Kinds after which there is nothing more to do for a message."""


class Settled(NamedTuple):
    """The message has its outcome."""


class Deferred(NamedTuple):
    """This attempt was made and put off; the next is another one's."""


class Unanswered(NamedTuple):
    """An attempt was begun and its outcome is not known."""

    attempt: int


class Go(NamedTuple):
    """Nothing stands in the way of this attempt."""


def judge(history: Mapping[str, str], message: str, attempt: int) -> Settled | Deferred | Unanswered | Go:
    """What `history` (event id -> kind, of the events that this message caused) means for this attempt."""
    if not FINAL.isdisjoint(history.values()):
        return Settled()
    for number in range(1, attempt + 1):
        tried = attempt_id(message, number) in history
        answered = deferral_id(message, number) in history
        if tried and number == attempt:
            return Deferred() if answered else Unanswered(number)
        if tried and not answered and doubt_id(message, number) not in history:
            return Unanswered(number)
    return Go()


def attempt_id(message: str, attempt: int) -> str:
    """The id of `message.attempted`."""
    return derived_id(message, messages.MessageAttempted.kind, str(attempt))


def deferral_id(message: str, attempt: int) -> str:
    """The id of `message.deferred`."""
    return derived_id(message, messages.MessageDeferred.kind, str(attempt))


def doubt_id(message: str, attempt: int) -> str:
    """The id of `message.in_doubt`."""
    return derived_id(message, messages.MessageInDoubt.kind, str(attempt))


def pause(attempt: int, age: float = inf) -> float:
    """Seconds to wait after this attempt at a message of this age (seconds) was put off: by its number or its age, whichever
    is less far on. The loop numbers attempts that found no room as well, and an old message may be new to us."""
    place = min(attempt - 1, bisect_right(_AGES, age))
    return SCHEDULE[min(place, len(SCHEDULE) - 1)]


def pause_for_room(attempt: int) -> float:
    """Seconds to wait after a message found no place at a relay that works: more each time, up to a minute."""
    return min(2.0 ** min(attempt - 1, 6), 60.0)


def schedule(lifetime: float) -> tuple[float, ...]:
    """The pauses of a whole life, in seconds, and one more: the end is decided by the clock, not by the count."""
    pauses: list[float] = []
    while sum(pauses) <= lifetime:
        pauses.append(pause(len(pauses) + 1))
    return (*pauses, SCHEDULE[-1])
