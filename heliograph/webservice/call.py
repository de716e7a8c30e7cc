"""What an action is: a name, whether it only reads, and a function; and what it is given to work with."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import Clock, from_datetime
from heliograph.egress import Egress
from heliograph.journal.journal import Journal
from heliograph.webservice.answers import Elements, Refused

INVALID, MISSING, UNKNOWN, NOT_HERE = (
    "Validation Error",
    "Missing Parameter",
    "Not Found",
    "Not Supported",
)
"""Categories of errors. The vendor's list is not public; the document shows such words (S1:L237)."""

DAY = 86_400_000_000
"""Microseconds."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What actions work with. `state` is only read; `egress` is the door out; `base` is what our URLs begin with, without
    a slash at the end."""

    journal: Journal
    state: Engine
    directory: Directory
    clock: Clock
    egress: Egress
    base: str

    @property
    def data(self) -> Path:
        """The data directory: where state is."""
        return Path(str(self.state.url.database)).parent

    async def read(self, look: Callable[[Connection], T]) -> T:
        """What `look` finds in state; asked in a thread."""
        return await asyncio.to_thread(self._look, look)

    def _look(self, look: Callable[[Connection], T]) -> T:
        with self.state.connect() as connection:
            return look(connection)


class Asked(NamedTuple):
    """One call whose credentials are right. `by`: the key's public part; `request_id`: what the answer carries."""

    account: Account
    fields: Mapping[str, str]
    request_id: str
    by: str

    def text(self, name: str, default: str = "") -> str:
        """A parameter, without blanks at its ends."""
        return self.fields.get(name, default).strip()

    def wanted(self, name: str) -> str:
        """A parameter that must be there. Raises `Refused`."""
        said = self.text(name)
        if not said:
            raise Refused(MISSING, f"{name} is required.")
        return said

    def flag(self, name: str, default: bool = False) -> bool:
        """TRUE or FALSE, in any case. Raises `Refused`."""
        said = self.text(name).lower()
        if said not in ("", "true", "false"):
            raise Refused(INVALID, f"{name} must be TRUE or FALSE.")
        return said == "true" if said else default

    def numbered(self, name: str, most: int) -> dict[int, str]:
        """Parameters `NAME.1`, `NAME.2` ... by their numbers. Raises `Refused`."""
        found: dict[int, str] = {}
        for field, value in self.fields.items():
            head, dot, number = field.partition(".")
            if head == name and dot:
                if not number.isascii() or not number.isdigit() or not 1 <= int(number) <= most:
                    raise Refused(INVALID, f"{field}: numbers go from 1 to {most}.")
                found[int(number)] = value
        return dict(sorted(found.items()))


class Streamed(NamedTuple):
    """An answer that is too long for memory. `name` of the file that it is in when it is compressed."""

    chunks: AsyncIterator[bytes]
    name: str
    zipped: bool


Answer = Elements | Streamed
Handler = Callable[[Means, Asked], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One value of the parameter `Action`. `reads`: it changes nothing, so a GET may ask for it. `answer`: what its
    answer's root is called, where that is not the vendor's rule."""

    name: str
    handler: Handler
    reads: bool = False
    answer: str = ""

    @property
    def root(self) -> str:
        """The name of its answer's root."""
        return self.answer or f"{self.name}Response"


class Span(NamedTuple):
    """A day or a month in UTC, in microseconds, from its first instant to before the one behind it."""

    text: str
    begins: int
    ends: int


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)


def day_of(text: str) -> Span:
    """`2026-01-31`. Raises `Refused`."""
    wrong = Refused(INVALID, f"ActivityDate must be a day, yyyy-MM-dd, not {text[:40]!r}.")
    if not _DAY.fullmatch(text):
        raise wrong
    try:
        begins = _midnight(date.fromisoformat(text))
    except ValueError as error:
        raise wrong from error
    return Span(text, begins, begins + DAY)


def day_or_month_of(text: str) -> Span:
    """`2026-01-31` or `2026-01`. Raises `Refused`."""
    if not _MONTH.fullmatch(text):
        return day_of(text)
    try:
        first = date.fromisoformat(f"{text}-01")
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    except ValueError as error:
        raise Refused(INVALID, f"ActivityDate must be a month, yyyy-MM, not {text!r}.") from error
    return Span(text, _midnight(first), _midnight(following))


def _midnight(day: date) -> int:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))
