"""What a text that came in means (MG-9)."""

from __future__ import annotations

import pytest

from heliograph.accounts.model import Policy
from heliograph.inbound.receipts.providers.words import Meaning, understood
from heliograph.phones import country, e164

POLICY = Policy(
    sms_stop_words=("Ende",),
    sms_start_words=("Los",),
    sms_help_words=("Hm",),
    sms_keywords=("Tea", "STOP", "caf\u00e9"),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("STOP", Meaning("STOP")),
        (" stop. ", Meaning("STOP")),
        ("\u201cStop!\u201d", Meaning("STOP")),
        ("Arr\u00eat", Meaning("STOP")),
        ("ARRET", Meaning("STOP")),
        ("ende", Meaning("STOP")),
        ("please don't stop", Meaning("KEYWORD")),
        ("stop it", Meaning("KEYWORD", "STOP")),  # an account's own word, but never alone
        ("Help", Meaning("HELP")),
        ("hilfe", Meaning("HELP")),
        ("hm?", Meaning("HELP")),
        ("yes", Meaning("START")),
        ("los", Meaning("START")),
        ("tea please", Meaning("KEYWORD", "TEA")),
        ("Tea!", Meaning("KEYWORD", "TEA")),
        ("cafe", Meaning("KEYWORD", "CAF\u00c9")),
        ("teapot", Meaning("KEYWORD")),
        ("", Meaning("KEYWORD")),
        ("\U0001f600", Meaning("KEYWORD")),
    ],
)
def test_a_text_is_understood(text: str, expected: Meaning) -> None:
    assert understood(text, POLICY) == expected


@pytest.mark.parametrize(
    ("number", "form", "where"),
    [
        ("+12025550137", "+12025550137", "US"),
        ("+49 30 901820", "+4930901820", "DE"),
        ("+8816213456789", "+8816213456789", None),
        ("2025550137", None, None),
        ("72975", None, None),
        ("Shop", None, None),
        ("", None, None),
    ],
)
def test_numbers_and_their_countries(number: str, form: str | None, where: str | None) -> None:
    """A number of no country that we know is quietly of none: short codes and senders' names write too."""
    assert (e164(number), country(number)) == (form, where)
