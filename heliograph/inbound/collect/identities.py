"""Who and what an event is about: addresses, phone numbers, ids, checked before they become a subject.

What identifies must be able to identify: control characters and endless ids are refused whatever the account's
mode; an address that cannot be one is left out and noted. Pure.
"""

from __future__ import annotations

import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from heliograph.events.people import Scalar, text_id
from heliograph.inbound.collect.findings import Findings

LONGEST = 255
"""Characters of an id. Subjects are indexed: what is longer is not an id but a text."""

LONGEST_ADDRESS = 254
"""Characters of an e-mail address (RFC 5321 section 4.5.3.1.3, less the angle brackets)."""

_ORDINARY = 10**18
"""Whole numbers below this are ids without a second look."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""What no identity may hold; lone surrogates can come from headers."""

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*\.)+[A-Za-z]{{2,}}")
_PLAIN_LENGTH = 64
"""An ASCII address with a dot-atom local part and an ordinary domain: nearly all there are. Up to 64 characters no
part can be too long; everything else is given to the library."""

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")

NOT_A_PAGES_WORD = "left out: a page that has no key cannot say whose number this is"
"""Of a customer's number beside an address: together they would rename somebody (RM-9). Alone it only finds."""

_possible = phonenumbers.is_possible_number
_valid = phonenumbers.is_valid_number
"""Without its country code more has to be right: any long enough order number is possible."""

_NO_CONTROL = "must not hold control characters"


def address(said: str, path: tuple[str, ...], findings: Findings) -> str | None:
    """The address if it can be one, without white space around it. Control characters are refused, other faults
    noted."""
    if len(said) <= _PLAIN_LENGTH and _PLAIN.fullmatch(said):
        return said
    if CONTROL.search(said):
        findings.refuse(".".join(path), _NO_CONTROL)
        return None
    reason = _address_reason(said.strip())
    if reason:
        findings.fault(".".join(path), reason)
        return None
    return said.strip()


def identifier(value: Scalar, field: str, findings: Findings) -> str | None:
    """An id as text; zeros in front stay (RM-23). Control characters and endless ids are refused."""
    if isinstance(value, str):
        if value.isalnum() and len(value) <= LONGEST:
            return value
    elif value.__class__ is int and -_ORDINARY < value < _ORDINARY:
        return str(value)
    text = text_id(value)
    if text is None:
        return None
    if isinstance(value, str) and CONTROL.search(value):
        findings.refuse(field, _NO_CONTROL)
        return None
    if len(text) > LONGEST:
        findings.refuse(field, f"is longer than {LONGEST} characters: no id")
        return None
    return text


def member(value: Scalar, field: str, findings: Findings) -> str | None:
    """A customer's number as text. Shops that number from 1 have 0 for guests: kept, all of them would be one person."""
    number = identifier(value, field, findings)
    if number == "0":
        findings.remark(field, "is 0: a guest; left out")
        return None
    return number


def phone(
    value: Scalar, field: str, findings: Findings, *, region: str = "", country: str = ""
) -> str | None:
    """A phone number in E.164 (RM-19). What is a number but written otherwise is noted and put right: with its
    spaces, or as it is dialled within `country`, where its owner is. Where the sender names the `region` that it is
    to be read for, that is no oddity. Both are ISO 3166 alpha-2."""
    text = text_id(value)
    if text is None:
        return None
    if isinstance(value, str) and CONTROL.search(value):
        findings.refuse(field, _NO_CONTROL)
        return None
    try:
        number = phonenumbers.parse(text, region or country or None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not (_possible if text.startswith("+") else _valid)(number):
        findings.fault(field, "is not a phone number in E.164 form, as +12025550137 is")
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not region and not _E164.fullmatch(text):
        findings.fault(field, f"is not in E.164 form; taken as {e164}")
    return e164


def _address_reason(text: str) -> str | None:
    if not text:
        return "is blank"
    if len(text) > LONGEST_ADDRESS:
        return f"is longer than {LONGEST_ADDRESS} characters: no e-mail address"
    try:
        validate_email(text, check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError as error:
        return f"is not an e-mail address: {error}"
    return None
