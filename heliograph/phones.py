"""Phone numbers: in the form in which they are compared and sent to (E.164), and whose country they are of. Pure."""

from __future__ import annotations

import phonenumbers


def e164(number: str) -> str | None:
    """A number with its country code, as it is sent to (`+15551234567`); None where it is none."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def country(number: str) -> str | None:
    """Whose number it is, two letters (ISO 3166-1); None where that cannot be told: a short code, a satellite phone, no
    number at all."""
    try:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None
    return region if region and region.isalpha() else None
