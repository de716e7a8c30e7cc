"""E-mail addresses as SMTP takes them, or a clear no.

An address that is no address must never reach the wire: at best a server refuses it, at worst it carries a second
command. Lenient within what SMTP can say (dots where RFC 5322 has none do occur in Japan), and exact about what
needs the SMTPUTF8 extension (RFC 6531): only a local part that is not ASCII; domains have an ASCII form.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from email_validator import EmailNotValidError, validate_email

_ATOM = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]"
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_ORDINARY = re.compile(rf"{_ATOM}{{1,64}}@{_LABEL}(?:\.{_LABEL})*")
_LITERAL = re.compile(rf"{_ATOM}{{1,64}}@\[[0-9A-Fa-f:.]{{3,45}}\]")
_QUOTED = re.compile(rf'"(?:[ !#-\[\]-~]|\\[ -~]){{1,62}}"@{_LABEL}(?:\.{_LABEL})*')
_WIDE_LOCAL = re.compile(r"(?:[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]|[^\x00-\x9f\s\ud800-\udfff]){1,64}")
LENGTH_LIMIT = 254
"""Bytes of an address (RFC 5321 4.5.3.1.3: a path has 256, with its angle brackets)."""


class Mailbox(NamedTuple):
    """An address as it is said to a server, and whether that server must speak SMTPUTF8."""

    address: str
    wide: bool = False

    @property
    def domain(self) -> str:
        """What stands behind the last @."""
        return self.address.rpartition("@")[2]


def mailbox(address: str) -> Mailbox | None:
    """The address in the form that SMTP takes; None: it is malformed (category 110)."""
    address = address.strip()
    if len(address.encode("utf-8", "replace")) > LENGTH_LIMIT:
        return None
    if _ORDINARY.fullmatch(address) or _QUOTED.fullmatch(address) or _LITERAL.fullmatch(address):
        return Mailbox(address)
    local, at, domain = address.rpartition("@")
    if not at or not _WIDE_LOCAL.fullmatch(local):
        return None
    ascii_domain = _ascii_domain(domain)
    return Mailbox(f"{local}@{ascii_domain}", wide=not local.isascii()) if ascii_domain else None


def _ascii_domain(domain: str) -> str | None:
    try:
        valid = validate_email(f"x@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return valid.ascii_domain
