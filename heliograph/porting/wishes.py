"""What a row says of permission: yes, no, unsubscribed, bounced ..., since when and from where.

A bare yes or no is what the other system believes: it goes with the customer (`accepts_marketing`) and lifts
nothing (RM-11). A yes with its time is the person's own, with its proof (STD-7), and a later no overrules it. An
unsubscription, a bounce, a complaint suppress. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, NamedTuple

import msgspec

from heliograph.accounts.privacy import kept_ip
from heliograph.errors import Fault, OperatorError
from heliograph.events.commerce import instant
from heliograph.events.consent import (
    IMPORT,
    SUPPRESSION_TYPES,
    Channel,
    ConsentWithdrawn,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionType,
    UnsubscriptionRequested,
)
from heliograph.events.event import Data
from heliograph.events.people import flag
from heliograph.inbound.collect.senders import Sender

ANSWERS = {
    "subscribed": "yes",
    "optedin": "yes",
    "active": "yes",
    "confirmed": "yes",
    "explicit": "yes",
    "ja": "yes",
    "nonsubscribed": "no",
    "neversubscribed": "no",
    "notsubscribed": "no",
    "transactional": "no",
    "optedout": "unsubscribed",
    "unsubscribed": "unsubscribed",
    "nein": "no",
    "cleaned": "hard_bounce",
    "bounced": "hard_bounce",
    "hardbounce": "hard_bounce",
    "hardbounced": "hard_bounce",
    "complained": "spam_complaint",
    "spam": "spam_complaint",
    "spamcomplaint": "spam_complaint",
    "markedasspam": "spam_complaint",
    "abuse": "spam_complaint",
    "invalid": "hard_bounce",
    "pending": "pending_opt_in",
    "unconfirmed": "pending_opt_in",
    "suppressed": "manually_suppressed",
    "usersuppressed": "manually_suppressed",
    "manuallysuppressed": "manually_suppressed",
    "blocked": "manually_suppressed",
    "archived": "manually_suppressed",
    "deleted": "manually_suppressed",
    "unknown": "",
}
"""Words of other systems -> yes, no, nothing, or a type of suppression; all letters, without case."""

YES_TIMES = frozenset({"consent_at", "confirmed_at", "sms_consent_at"})
TIMES = YES_TIMES | {"unsubscribed_at", "cleaned_at", "suppressed_at"}
"""Fields that say when; the first three of a yes."""


class Said(NamedTuple):
    """What a row says of one channel: `answer` is yes, no, or empty for nothing."""

    answer: str
    types: tuple[str, ...]


class Happened(NamedTuple):
    """Something that a row says happened, and when (microseconds)."""

    what: str
    data: Data
    at: int


def answer(word: str) -> str:
    """yes, no, a type of suppression, or nothing. Raises `OperatorError` for a word that says none of them."""
    faults: list[Fault] = []
    found = _word(word, "consent", faults)
    if faults:
        raise OperatorError(
            f"{word} says nothing of consent: yes, no, unsubscribed, bounced, complained or pending"
        )
    return found


def dated(cells: dict[str, Any], as_of: int) -> list[Fault]:
    """Put the row's times into microseconds, none later than `as_of`. One that is no time proves no yes; of a no it is
    the time that cannot be used, and `as_of` is taken."""
    faults = []
    for name in sorted(TIMES & cells.keys()):
        value = cells[name]
        at = instant(value) if isinstance(value, str | int | float) else None
        if at is not None and at >= 0:
            cells[name] = min(at, as_of)
            continue
        faults.append(
            Fault(name, f"{str(value)[:40]!r} is no date and time that is understood (ISO 8601 is)")
        )
        if name in YES_TIMES:
            del cells[name]
        else:
            cells[name] = as_of
    return faults


def said(cells: Mapping[str, Any], usual: str, faults: list[Fault]) -> Said:
    """What a row says of mail. `usual` is meant where its consent says nothing."""
    types: list[str] = []
    stated = cells.get("consent", cells.get("accepts_marketing"))
    word = _word(stated, "consent", faults) or usual
    if stated is None and not word and ("consent_at" in cells or "confirmed_at" in cells):
        word = "yes"
    if "unsubscribed_at" in cells:
        word = "unsubscribed"
    if "cleaned_at" in cells:
        word = "hard_bounce"
    if word in SUPPRESSION_TYPES:
        types.append(word)
        word = "no" if word == "unsubscribed" else ""
    for name in _words(cells.get("suppressions")):
        kind = name if name in SUPPRESSION_TYPES else _word(name, "suppressions", faults)
        if kind in ("yes", *SUPPRESSION_TYPES):  # "suppressed: yes" names no type
            types.append("manually_suppressed" if kind == "yes" else kind)
    return Said(word, tuple(dict.fromkeys(types)))


def told(
    cells: Mapping[str, Any], email: str | None, phone: str | None, mail: Said, sender: Sender, as_of: int
) -> Iterator[Happened]:
    """What follows from the row, oldest proof first: the customer itself comes after it."""
    if email and mail.answer == "yes" and ("consent_at" in cells or "confirmed_at" in cells):
        yield _granted(cells, email, sender)
    if email:
        yield from suppressed("email", email, mail.types, cells, as_of)
    text = _word(cells.get("sms_consent"), "sms_consent", []) if phone else ""
    since: int | None = cells.get("sms_consent_at")
    if phone and text == "yes" and since is not None:
        yes = SubscriptionRequested(phone=phone, double_optin=False, source=IMPORT)
        yield Happened("sms", yes, since)
    elif phone and text == "unsubscribed":
        yield from suppressed("sms", phone, (text,), {}, since or as_of)
    elif phone and text == "no":
        no = ConsentWithdrawn(channel="sms", address=phone, how=IMPORT, reason="sms_consent: no")
        yield Happened("sms.no", no, since or as_of)


def suppressed(
    channel: Channel, address: str, types: Iterable[str], cells: Mapping[str, Any], as_of: int
) -> Iterator[Happened]:
    """What makes an address one that is not written to: an unsubscription is the person's wish, all else is a fact."""
    reason = str(cells.get("unsubscribe_reason") or cells.get("reason") or "").strip()
    for kind in types:
        wished = kind == "unsubscribed"
        times = ("unsubscribed_at" if wished else "cleaned_at", "suppressed_at")
        at = next((cells[name] for name in times if name in cells), as_of)
        data: Data
        if wished:
            data = UnsubscriptionRequested(channel=channel, address=address, how=IMPORT, reason=reason)
        else:
            why = msgspec.convert(kind, SuppressionType)
            data = SuppressionAdded(channel=channel, address=address, type=why, reason=reason or "Imported")
        yield Happened(f"{channel}.{kind}", data, at)


def _granted(cells: Mapping[str, Any], email: str, sender: Sender) -> Happened:
    confirmed: int | None = cells.get("confirmed_at")
    wish = SubscriptionRequested(
        email=email,
        double_optin=False,
        ip=_ip(cells.get("consent_ip"), sender),
        confirmed_at=confirmed,
        optin_ip=_ip(cells.get("confirmed_ip"), sender) or None,
        source=IMPORT,
    )
    return Happened("subscription", wish, cells.get("consent_at", confirmed))


def _ip(said: Any, sender: Sender) -> str:
    """As much of an address as the account keeps; nothing of what is none."""
    try:
        return kept_ip(str(ip_address(str(said).strip())), sender.keep_ip)
    except ValueError:
        return ""


def _word(value: Any, field: str, faults: list[Fault]) -> str:
    """yes, no, a type of suppression, or nothing."""
    if value is None or value == "":
        return ""
    plainly = flag(value) if isinstance(value, str | int | float | bool) else None
    if plainly is not None:
        return "yes" if plainly else "no"
    plain = "".join(filter(str.isalnum, str(value))).lower()
    if plain not in ANSWERS:
        faults.append(Fault(field, f"{str(value)[:40]!r} is neither yes nor no; nothing is known then"))
    return ANSWERS.get(plain, "")


def _words(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else str(value or "").replace(";", ",").split(",")
    return [str(part).strip(" []'\"") for part in parts if str(part).strip(" []'\"")]
