"""What every command takes: where the data are, and how errors of the operator are shown."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from heliograph.errors import OperatorError
from heliograph.settings import Settings, load

P = ParamSpec("P")
T = TypeVar("T")

out = Console(width=None if sys.stdout.isatty() else 200)
"""Where answers go; wide where nobody looks, so that scripts find whole names."""
err = Console(stderr=True)

Data = Annotated[
    str | None,
    typer.Option("--data", help="Data directory. Default: HELIOGRAPH_DATA, else ./heliograph-data."),
]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file of settings.")]


def table(*columns: str) -> Table:
    """A table that wraps long cells and hides nothing."""
    made = Table()
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def settings_of(data: str | None, config: Path | None = None, **flags: Any) -> Settings:
    """The effective settings of a command; `data` and `flags` are what its command line says."""
    return load({"data": data, **flags}, file=config)


def existing(data: str | None) -> Settings:
    """The settings, for a command that needs a data directory which was started once."""
    settings = settings_of(data)
    if not (Path(settings.data) / "state.db").exists():
        raise OperatorError(
            f"there are no data in {settings.data}: `heliograph serve` makes them, --data names another place"
        )
    return settings


def for_operators(command: Callable[P, T]) -> Callable[P, T]:
    """Show an operator's mistake as one line and exit with 2, instead of a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except OperatorError as error:
            err.print(f"heliograph: {error}", style="red", highlight=False, soft_wrap=True)
            sys.exit(2)

    return run
