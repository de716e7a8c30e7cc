"""Notices in words: whom they name, what the server said, and where the returned mail begins. Pure.

There is no standard for them. What they have in common: a machine's name or an empty return path, an opening that
`words.toml` knows, the failed address at the beginning of a line or in angle brackets, an SMTP reply somewhere near,
and at the end the mail that came back.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from heliograph.bounces.classify import find_status
from heliograph.inbound.receipts.mail import words
from heliograph.inbound.receipts.mail.parts import Part
from heliograph.inbound.receipts.mail.reports import RECIPIENTS, Result, plain_address

SAID_LIMIT = 1000
"""Characters of what a server said that are looked at and kept."""
_ADDRESS = r"[^\s<>()\[\]\"',;:@]{1,128}@[^\s<>()\[\]\"',;:@]{1,190}[^\s<>()\[\]\"',;:@.]"
_NAMED = (
    re.compile(rf"RCPT TO:\s*<({_ADDRESS})>", re.IGNORECASE),
    re.compile(rf"^[ \t>*-]*<({_ADDRESS})>:?(?=\s|\()", re.MULTILINE),
    re.compile(
        rf"^[ \t>*-]*(?:[\w -]{{1,30}}:[ \t]*)?<?({_ADDRESS})>?:?[ \t]*(?:\(.{{1,200}}\))?$", re.MULTILINE
    ),
    re.compile(rf"<({_ADDRESS})>"),
    re.compile(rf"(?<![\w@<])({_ADDRESS})"),
)
"""Where the failed address stands, the surest places first."""
_REPLY = re.compile(
    r"(?<![\d.:/-])([45]\d\d)(?:[ -]+(?:#|\()?([45]\.\d{1,3}\.\d{1,3})|[ -](?=[^\d\s].{3}))|(?<![\d.])#?([45]\.\d{1,3}\.\d{1,3})(?![\d.])",
    re.ASCII,
)
_OWN = re.compile(r"^(mailer-daemon|postmaster|abuse|support|helpdesk|noc)@", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")


class Words(NamedTuple):
    """A notice's own text, without the mail that it returns; and that mail, as far as it stands in the text."""

    text: str
    copy: str


def split(text: str) -> Words:
    """Where a notice ends and the returned mail begins."""
    place = words.first(words.COPIES, text)
    return Words(text, "") if place is None else Words(text[:place], text[place:])


def failed_recipients(root: Part) -> tuple[str, ...]:
    """The addresses of `X-Failed-Recipients` (Exim, Gmail)."""
    values = ",".join(root.headers.get("x-failed-recipients", ()))
    return tuple(address for value in values.split(",")[:RECIPIENTS] if (address := plain_address(value)))


def results(root: Part, text: str, *, delayed: bool, own: frozenset[str]) -> tuple[Result, ...]:
    """The recipients of a notice in words, at least one, maybe without address. `own`: addresses, in lower case, that
    are the sender's and so never the failed ones."""
    said = what_was_said(text)
    addresses = failed_recipients(root) or _addresses(text, own)
    action, status = ("delayed" if delayed else "failed"), find_status(said)
    found = [Result(address, action, status, said) for address in addresses or ("",)]  # type: ignore[arg-type]
    return tuple(found)


def what_was_said(text: str) -> str:
    """The part of a notice that tells why: from the first SMTP reply on, else everything."""
    text = text[: words.LOOKED_AT]
    reply = _REPLY.search(text)
    if reply is not None:
        return _BLANKS.sub(" ", text[reply.start() :])[:SAID_LIMIT].strip().lstrip("#")
    return _BLANKS.sub(" ", text)[:SAID_LIMIT].strip()


def _addresses(text: str, own: frozenset[str]) -> tuple[str, ...]:
    text = text[: words.LOOKED_AT]
    for pattern in _NAMED:
        found = dict.fromkeys(match[1].strip(".") for match in pattern.finditer(text))
        named = [address for address in found if address.lower() not in own and not _OWN.match(address)]
        if named:
            return tuple(named[:RECIPIENTS])
    return ()
