"""The categories of failed texts and push messages, and the document's words for each."""

from __future__ import annotations

from heliograph.bounces.undelivered import PUSHES, TEXTS

PUSH_TABLE = """\
TRANSIENT_FAILURE | A temporary error occurred. MessageGears will attempt to deliver the message again later.
FAILURE_PERMANENT | An error occurred when delivering the message to the endpoint. MessageGears won\u2019t attempt to send the message again.
TIMEOUT | The message couldn\u2019t be sent within the timeout period.
DAILY_CAP | The endpoint has received the maximum number of messages it can receive within a 24-hour period.
THROTTLED | MessageGears throttled sending to this endpoint.
EXPIRED | The endpoint address is expired.
SERVICE_FAILURE | A service-level failure prevented MessageGears from delivering the message.
JOB_CANCELLED | The job has been cancelled"""
SMS_TABLE = """\
INVALID_ADDRESS | The phone number you have attempted to send to is not valid or unrecognizable to our system
INTERNATIONAL_SENDING_PROHIBITED | International message sending is not enabled for your account. Please contact support to send to this number
ADDRESS_BLOCKED | The message could not be sent from this OriginationNumber to the destination address
INVALID_CONTENT | This content is unable to be sent as an SMS message
SERVICE_FAILURE | A service-level failure prevented MessageGears from delivering the message
JOB_CANCELLED | The job has been cancelled"""


def table(text: str) -> list[tuple[str, ...]]:
    return [tuple(line.split(" | ")) for line in text.splitlines()]


def test_the_words_are_the_documents() -> None:
    """MG-9 (S1:L301-L317, S1:L379-L391)."""
    assert [(row.category, row.details) for row in PUSHES.values()] == table(PUSH_TABLE)
    assert [(row.category, row.details) for row in TEXTS.values()] == table(SMS_TABLE)


def test_only_a_number_that_is_none_suppresses() -> None:
    """A device that is gone is removed instead: the app may register it again."""
    hard = [row.category for rows in (TEXTS, PUSHES) for row in rows.values() if row.bounce_class == "hard"]
    assert hard == ["INVALID_ADDRESS"]
