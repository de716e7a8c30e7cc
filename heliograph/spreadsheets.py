"""Cells of a CSV that a spreadsheet will open: what it would take for a formula is made text.

A customer may call herself `=HYPERLINK(...)`, and whoever opens the export would run it (OWASP, "CSV Injection").
Pure.
"""

from __future__ import annotations

import re

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)


def safe(text: str) -> str:
    """The text behind an apostrophe if a spreadsheet would compute it; numbers, phone numbers too, stay. An import
    of ours takes the apostrophe away again."""
    if text.startswith(_DANGEROUS) and not _NUMBER.fullmatch(text):
        return "'" + text
    return text
