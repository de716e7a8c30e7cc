"""Twilio's error codes -> the document's categories of failed texts (S1:L381-L391, MG-9).

https://www.twilio.com/docs/api/errors. The same codes come as the answer to a request and later by callback.
"""

from __future__ import annotations

from heliograph.bounces.undelivered import TEXTS, Undelivered

_CATEGORIES = {
    "INVALID_ADDRESS": ("21211", "21214", "21217", "21401", "21421", "21614", "30003", "30005", "30006"),
    "INTERNATIONAL_SENDING_PROHIBITED": ("21408", "21612", "30004", "30032"),
    "ADDRESS_BLOCKED": ("21610", "30002", "30007", "30023"),
    "INVALID_CONTENT": ("21602", "21605", "21617", "21619", "30019", "30038"),
}
_CATEGORY_OF = {code: category for category, codes in _CATEGORIES.items() for code in codes}
_NOT_FOR_GOOD = frozenset(("30003",))
"""A handset that is off: the number may be right."""


def undelivered(code: str) -> Undelivered:
    """What a code says of a text; SERVICE_FAILURE is whatever is not the recipient's or the text's fault."""
    found = TEXTS[_CATEGORY_OF.get(code, "SERVICE_FAILURE")]
    return found._replace(code=20, bounce_class="soft") if code in _NOT_FOR_GOOD else found
