"""Why a text or a push message does not arrive: the document's categories, with its words for each (MG-9).

S1:L299-L317 for push, S1:L379-L391 for texts. The words are exactly the document's: who reads the feed compares them.
What a provider said beside that stays in the event's `rule`. `code` and `bounce_class` are our own, as mail has them,
so that suppressions and reports ask one question of all channels. Used by the channels and by the readers of callbacks.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from heliograph.bounces.rules import BounceClass


class Undelivered(NamedTuple):
    """A category: its name and details in the document, and what it is beside mail's (code and class)."""

    category: str
    details: str
    code: int
    bounce_class: BounceClass


def _table(*rows: Undelivered) -> Mapping[str, Undelivered]:
    return {row.category: row for row in rows}


TEXTS: Mapping[str, Undelivered] = _table(
    Undelivered(
        "INVALID_ADDRESS",
        "The phone number you have attempted to send to is not valid or unrecognizable to our system",
        10,
        "hard",
    ),
    Undelivered(
        "INTERNATIONAL_SENDING_PROHIBITED",
        "International message sending is not enabled for your account. "
        "Please contact support to send to this number",
        25,
        "admin",
    ),
    Undelivered(
        "ADDRESS_BLOCKED",
        "The message could not be sent from this OriginationNumber to the destination address",
        50,
        "block",
    ),
    Undelivered("INVALID_CONTENT", "This content is unable to be sent as an SMS message", 52, "block"),
    Undelivered(
        "SERVICE_FAILURE",
        "A service-level failure prevented MessageGears from delivering the message",
        20,
        "soft",
    ),
    Undelivered("JOB_CANCELLED", "The job has been cancelled", 25, "admin"),
)
"""In the document's order, which is also the code that its schema wants (`feeds.dialects`)."""

PUSHES: Mapping[str, Undelivered] = _table(
    Undelivered(
        "TRANSIENT_FAILURE",
        "A temporary error occurred. MessageGears will attempt to deliver the message again later.",
        20,
        "soft",
    ),
    Undelivered(
        "FAILURE_PERMANENT",
        "An error occurred when delivering the message to the endpoint. "
        "MessageGears won\N{RIGHT SINGLE QUOTATION MARK}t attempt to send the message again.",
        40,
        "undetermined",
    ),
    Undelivered(
        "TIMEOUT",
        "The message couldn\N{RIGHT SINGLE QUOTATION MARK}t be sent within the timeout period.",
        24,
        "soft",
    ),
    Undelivered(
        "DAILY_CAP",
        "The endpoint has received the maximum number of messages it can receive within a 24-hour period.",
        20,
        "soft",
    ),
    Undelivered("THROTTLED", "MessageGears throttled sending to this endpoint.", 20, "soft"),
    # Not "hard": the device itself is removed, and an app that registers it again is reached again.
    Undelivered("EXPIRED", "The endpoint address is expired.", 10, "admin"),
    Undelivered(
        "SERVICE_FAILURE",
        "A service-level failure prevented MessageGears from delivering the message.",
        20,
        "soft",
    ),
    Undelivered("JOB_CANCELLED", "The job has been cancelled", 25, "admin"),
)

BY_CHANNEL: Mapping[str, Mapping[str, Undelivered]] = {"sms": TEXTS, "push": PUSHES}
