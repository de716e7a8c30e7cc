"""The machine-readable reports: delivery status (RFC 3464, RFC 6533) and complaints (RFC 5965). Pure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from heliograph.inbound.receipts.mail.parts import Headers, Part, fields

Action = Literal["failed", "delayed", "delivered", "relayed", "expanded"]

STATUS_TYPES = frozenset(("message/delivery-status", "message/global-delivery-status"))
RECIPIENTS = 100
"""Recipients of one report that are looked at; our mails have one each."""

_ACTIONS: dict[str, Action] = {
    "failed": "failed",
    "failure": "failed",
    "delayed": "delayed",
    "delivered": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
}
_BY_CLASS: dict[str, Action] = {"2": "delivered", "4": "delayed", "5": "failed"}
_STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b", re.ASCII)
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}", re.ASCII)
_BLANK = re.compile(r"\n[ \t]*\n")
_RECIPIENT = frozenset(("final-recipient", "original-recipient", "action", "status", "diagnostic-code"))


class Result(NamedTuple):
    """What became of one recipient. `address` as the report names it, the original one where it is known; `status`
    and `diagnostic` as the server put them; `retry_until` a date in words."""

    address: str
    action: Action
    status: str | None = None
    diagnostic: str = ""
    remote: str = ""
    at: str = ""
    retry_until: str = ""


class Feedback(NamedTuple):
    """A complaint, or another report of that format: its type, and whom and where it names."""

    type: str
    recipients: tuple[str, ...] = ()
    source_ip: str = ""
    at: str = ""
    envelope: str = ""


def results(status: Part) -> tuple[Result, ...]:
    """The recipients of a delivery-status part."""
    blocks = [fields(block) for block in _BLANK.split(status.text) if block.strip()]
    found = [_result(block) for block in blocks[:RECIPIENTS] if not _RECIPIENT.isdisjoint(block)]
    return tuple(result for result in found if result is not None)


def feedback(report: Part) -> Feedback:
    """What a feedback-report part says (RFC 5965 section 3)."""
    said = fields(report.text)
    recipients = [address for value in said.get("original-rcpt-to", ()) if (address := plain_address(value))]
    return Feedback(
        type=_first(said, "feedback-type").lower(),
        recipients=tuple(recipients[:RECIPIENTS]),
        source_ip=_first(said, "source-ip"),
        at=_first(said, "arrival-date") or _first(said, "received-date"),
        envelope=plain_address(_first(said, "original-mail-from")),
    )


def plain_address(value: str) -> str:
    """The address of a field (`rfc822; <ann@x.example>`), unescaped (RFC 6533 section 3); empty where none stands."""
    kind, semicolon, rest = value.partition(";")
    address = (rest if semicolon else kind).strip().strip("<>").strip()
    if kind.strip().lower() == "utf-8":
        address = _ESCAPED.sub(_character, address)
    address = address.split()[0].strip("<>,;") if address else ""
    return address if "@" in address.strip("@") and len(address) <= 320 else ""


def _result(said: Headers) -> Result | None:
    status = _STATUS.search(_first(said, "status"))
    action = _ACTIONS.get(_first(said, "action").partition(" ")[0].strip(";,").lower())
    if action is None:
        action = _BY_CLASS[status[1][0]] if status else "failed"
    original, final = (plain_address(_first(said, f"{which}-recipient")) for which in ("original", "final"))
    diagnostic = _first(said, "diagnostic-code")
    kind, semicolon, words = diagnostic.partition(";")
    if semicolon and " " not in kind.strip():
        diagnostic = words.strip()
    if not (original or final or status or diagnostic):
        return None
    return Result(
        address=original or final,
        action=action,
        status=status[1] if status else None,
        diagnostic=diagnostic,
        remote=_first(said, "remote-mta").partition(";")[2].strip(),
        at=_first(said, "last-attempt-date"),
        retry_until=_first(said, "will-retry-until"),
    )


def _first(said: Headers, name: str) -> str:
    return (said.get(name) or ("",))[0]


def _character(match: re.Match[str]) -> str:
    number = int(match[1], 16)
    return chr(number) if number < 0x110000 and not 0xD800 <= number < 0xE000 else ""
