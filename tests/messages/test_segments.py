"""How many short messages a text is (3GPP TS 23.038, 23.040)."""

from __future__ import annotations

import pytest

from heliograph.outbound.messages.texts.segments import BASIC, EXTENSION, Count, count


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Count("GSM-7", 0, 0, 1)),
        ("a" * 160, Count("GSM-7", 160, 160, 1)),
        ("a" * 161, Count("GSM-7", 161, 161, 2)),
        ("a" * 306, Count("GSM-7", 306, 306, 2)),
        ("a" * 307, Count("GSM-7", 307, 307, 3)),
        ("\u20ac" * 80, Count("GSM-7", 80, 160, 1)),
        ("\u20ac" * 81, Count("GSM-7", 81, 162, 2)),
        ("a" * 152 + "\u20ac" + "a" * 8, Count("GSM-7", 161, 162, 2)),
        # The escape would stand at the end of the first part: it moves with its character, and 153 + 1 do not fit.
        ("a" * 152 + "\u20ac" + "a" * 151, Count("GSM-7", 304, 305, 2)),
        ("a" * 152 + "\u20ac" + "a" * 152, Count("GSM-7", 305, 306, 3)),
        ("\u00e9\u00c5\u0398 @\n", Count("GSM-7", 6, 6, 1)),
        ("\u00ea", Count("UCS-2", 1, 1, 1)),
        ("\u0436" * 70, Count("UCS-2", 70, 70, 1)),
        ("\u0436" * 71, Count("UCS-2", 71, 71, 2)),
        ("\u0436" * 134, Count("UCS-2", 134, 134, 2)),
        ("\u0436" * 135, Count("UCS-2", 135, 135, 3)),
        ("\U0001f600" * 35, Count("UCS-2", 35, 70, 1)),
        ("\U0001f600" * 36, Count("UCS-2", 36, 72, 2)),
        # 67 is odd: each part holds 33 emoji, and one unit stays free.
        ("\U0001f600" * 66, Count("UCS-2", 66, 132, 2)),
        ("\U0001f600" * 67, Count("UCS-2", 67, 134, 3)),
        ("`", Count("UCS-2", 1, 1, 1)),
    ],
    ids=lambda value: ascii(value)[:24] if isinstance(value, str) else "",
)
def test_a_text_is_counted_as_networks_count_it(text: str, expected: Count) -> None:
    assert count(text) == expected


def test_the_alphabet_has_its_127_characters_and_ten_more() -> None:
    """TS 23.038 6.2.1: 128 places, one of them the escape; the extension has ten characters, form feed included."""
    assert len(BASIC) == 127 and len(EXTENSION) == 10 and not BASIC & EXTENSION
