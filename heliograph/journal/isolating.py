"""Finding the one event that fails, so that it fails alone.

A batch that raises is halved until the single bad event is found; the others are given again. What is kept
about the bad one is plain text that any database takes, without the values of a statement: those are people's.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import StatementError

from heliograph.events.event import AnyEvent
from heliograph.journal.state_writer import passing, savepoint

WHY = 4_000
"""Characters of a reason that are kept: the end of a traceback says most."""


def feed(
    connection: Connection,
    events: Sequence[AnyEvent],
    give: Callable[[Sequence[AnyEvent]], None],
    failed: Callable[[AnyEvent, Exception], None],
) -> None:
    """`give` these events, whole or in parts, in order; `failed` is told of each that cannot be given.

    Raises only what passes: then no event is to blame and all are to be given again.
    """
    try:
        with savepoint(connection):
            give(events)
    except Exception as error:
        if passing(error):
            raise
        if len(events) == 1:
            failed(events[0], error)
            return
        middle = len(events) // 2
        feed(connection, events[:middle], give, failed)
        feed(connection, events[middle:], give, failed)


def plain(text: str) -> str:
    """Text from anywhere as every database takes it: no NUL, no lone surrogates, its end if it is long."""
    return text[-WHY:].replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()


def account_of(error: BaseException) -> str:
    """The whole traceback."""
    _hide_values(error)
    return plain("".join(traceback.format_exception(error)))


def last_line(error: BaseException) -> str:
    """The traceback's last line: what was raised."""
    _hide_values(error)
    return plain("".join(traceback.format_exception_only(error)).strip())


def _hide_values(error: BaseException | None) -> None:
    while error is not None:
        if isinstance(error, StatementError):
            error.hide_parameters = True
        error = error.__cause__ or error.__context__
