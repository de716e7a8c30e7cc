"""What every command takes: where the data are, and how errors of the operator are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from heliograph.app.ownership import usable
from heliograph.errors import OperatorError, Unavailable, perhaps
from heliograph.events.commerce import instant
from heliograph.events.vocabulary import BY_NAME
from heliograph.settings import Settings, load

P = ParamSpec("P")
T = TypeVar("T")

_console = partial(Console, markup=False, emoji=False)
"""What servers, senders and operators wrote is shown as it is: `[mx.example.com]` is no mark-up of ours, `:100:` no picture."""

out = _console(width=None if sys.stdout.isatty() else 200)
"""Where answers go; wide where nobody looks, so that scripts find whole names."""
err = _console(stderr=True)

Data = Annotated[
    str | None,
    typer.Option("--data", help="Data directory. Default: HELIOGRAPH_DATA, else ./heliograph-data."),
]
AccountOption = Annotated[
    str | None, typer.Option("--account", help="12-digit number. Default: the only account.")
]
Kind = Annotated[list[str] | None, typer.Option("--kind", help="Only this kind; may be repeated.")]
DefinitionFile = Annotated[Path, typer.Argument(help="YAML or JSON.")]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")]


def table(*columns: str) -> Table:
    """A table that wraps long cells and hides nothing."""
    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def bar(*, transient: bool) -> Progress:
    """A bar on stderr, with `rate` beside it and the time that remains; nothing where nobody looks."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    more = (TextColumn("{task.fields[rate]}", markup=False), TimeRemainingColumn())
    return Progress(*columns, *more, console=err, transient=transient, disable=not err.is_terminal)


def at_option(text: str | None, option: str) -> int | None:
    """The instant that an option names, in microseconds. Raises `OperatorError`."""
    found = instant(text)
    if found is None and text is not None:
        raise OperatorError(
            f"{option}: {text} is no date or time, such as 2026-01-31 or 2026-01-31T12:00:00Z"
        )
    return found


def settings_of(data: str | None, config: Path | None = None, **flags: Any) -> Settings:
    """The effective settings of a command; `data` and `flags` are what its command line says."""
    return load({"data": data, **flags}, file=config)


def existing(data: str | None) -> Settings:
    """The settings, for a command that needs a data directory which was started once."""
    settings = settings_of(data)
    usable(Path(settings.data))
    if not (Path(settings.data) / "state.db").exists():
        raise OperatorError(
            f"there are no data in {settings.data}: `heliograph serve` makes them, --data names another place"
        )
    return settings


def kinds_of(kinds: list[str] | None) -> frozenset[str] | None:
    """The kinds that are named; None: all. Raises `OperatorError` for one that does not exist."""
    for kind in kinds or ():
        if kind not in BY_NAME:
            meant = perhaps(kind, BY_NAME)
            raise OperatorError(f"there is no kind of event called {kind}{meant}; docs/events.md lists them")
    return frozenset(kinds) if kinds else None


def for_operators(command: Callable[P, T]) -> Callable[P, T]:
    """Show as one line, instead of a traceback, an operator's mistake, ending with its status, and what cannot be done now,
    ending with 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except OperatorError as error:
            err.print(f"heliograph: {error}", style="red", highlight=False, soft_wrap=True)
            sys.exit(error.status)
        except Unavailable as error:
            err.print(f"heliograph: {error.message}", style="red", highlight=False, soft_wrap=True)
            sys.exit(1)

    return run
