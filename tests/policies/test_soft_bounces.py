"""What follows from soft bounces in a row, what starts the count afresh, and what never counts (MG-8, RM-17)."""

from __future__ import annotations

import pytest

from heliograph.accounts.model import Policy
from heliograph.clock import SECOND
from heliograph.events.consent import SuppressionAdded, SuppressionRemoved
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import is_derived
from heliograph.events.messages import MessageBounced, MessageDelivered, MessageRequested
from heliograph.react.state import consent

ACCOUNT = "000000000001"
ANN = "ann@example.com"
SUBJECT = f"email:{ANN}"
DAY = 86_400 * SECOND


@pytest.fixture
def policy() -> Policy:
    return Policy(double_optin=False, soft_bounces=3, soft_bounce_days=7)


def bounce(line, bounce_class: str = "soft", message: str | None = None, at: int | None = None) -> str:
    """A message is sent and bounces; its id."""
    if message is None:
        message = line.say(MessageRequested(address=ANN, template="t"), subject=SUBJECT).id
    data = MessageBounced(
        message=message, address=ANN, category="c", code=22, bounce_class=bounce_class, details="full"
    )
    line.say(data, subject=SUBJECT, at=at)
    return message


def suppressed(line) -> set[str]:
    return line.read(lambda connection: consent.standing(connection, ACCOUNT, "email", ANN)).suppressions


@pytest.mark.parametrize("batch", [1, 512])
def test_soft_bounces_in_a_row_suppress_and_one_less_does_not(line, batch) -> None:
    """MG-8"""
    bounce(line)
    bounce(line)
    assert line.settle(batch) == []
    last = bounce(line)
    (added,) = line.settle(batch)
    assert added.data == SuppressionAdded(
        address=ANN, type="soft_bounce", reason="3 messages bounced softly, and none arrived between"
    )
    assert is_derived(added.id) and added.cause == line.events[-2].id and suppressed(line) == {"soft_bounce"}
    bounce(line, message=last)
    bounce(line)
    assert line.settle(batch) == []  # once


@pytest.mark.parametrize("batch", [1, 512])
@pytest.mark.parametrize("arrival", [MessageDelivered, MessageOpened, LinkClicked])
def test_whatever_arrives_starts_the_count_afresh(line, arrival, batch) -> None:
    bounce(line)
    message = bounce(line)
    fields = (
        {"address": ANN} if arrival is MessageDelivered else {"url": "u"} if arrival is LinkClicked else {}
    )
    line.say(arrival(message=message, **fields), subject=SUBJECT)
    bounce(line)
    bounce(line)
    assert line.settle(batch) == []
    bounce(line)
    assert [event.data.type for event in line.settle(batch)] == ["soft_bounce"]


def test_what_arrives_elsewhere_changes_nothing(line) -> None:
    bounce(line)
    bounce(line)
    other = line.say(
        MessageRequested(address="bob@example.com", template="t"), subject="email:bob@example.com"
    )
    line.say(MessageDelivered(message=other.id, address="bob@example.com"))
    bounce(line)
    assert [event.data.address for event in line.settle()] == [ANN]


def test_bounces_that_are_too_far_apart_do_not_count_together(line) -> None:
    first = line.now - 20 * DAY
    bounce(line, at=first)
    bounce(line, at=first + 6 * DAY)
    bounce(line, at=first + 7 * DAY)
    assert line.settle() == []
    bounce(line, at=first + 8 * DAY)
    assert len(line.settle()) == 1


def test_one_message_counts_once_however_often_it_is_told(line) -> None:
    message = bounce(line)
    for _ in range(5):
        bounce(line, message=message)
    assert line.settle() == []


@pytest.mark.parametrize("bounce_class", ["block", "admin"])
def test_what_is_about_us_never_suppresses(line, bounce_class) -> None:
    for _ in range(10):
        bounce(line, bounce_class)
    assert line.settle() == [] and suppressed(line) == set()


def test_what_nobody_could_read_counts_as_soft(line) -> None:
    """RM-17"""
    for _ in range(3):
        bounce(line, "undetermined")
    assert [event.data.type for event in line.settle()] == ["soft_bounce"]


@pytest.mark.parametrize("batch", [1, 512])
def test_a_lifted_suppression_starts_the_count_afresh(line, batch) -> None:
    for _ in range(3):
        bounce(line)
    line.settle(batch)
    line.say(SuppressionRemoved(address=ANN, type="soft_bounce", reason="they wrote to us"), subject=SUBJECT)
    bounce(line)
    bounce(line)
    assert line.settle(batch) == [] and suppressed(line) == set()
    bounce(line)
    assert [event.data.type for event in line.settle(batch)] == ["soft_bounce"]


def test_a_lifted_hard_bounce_can_come_back(line) -> None:
    bounce(line, "hard")
    line.settle()
    line.say(SuppressionRemoved(address=ANN, type="hard_bounce"), subject=SUBJECT)
    line.settle()
    assert suppressed(line) == set()
    bounce(line, "hard")
    assert [event.data.type for event in line.settle()] == ["hard_bounce"]


class TestWithoutALimit:
    @pytest.fixture
    def policy(self) -> Policy:
        return Policy(soft_bounces=0)

    def test_no_number_of_soft_bounces_suppresses(self, line) -> None:
        for _ in range(20):
            bounce(line)
        assert line.settle() == []


def test_a_crash_between_events_and_rows_counts_nothing_twice(line) -> None:
    bounce(line)
    bounce(line)
    line.decide(crash=True)
    assert line.settle() == []
    bounce(line)
    line.decide(crash=True)
    line.settle()
    assert [event.kind for event in line.events].count("suppression.added") == 1
