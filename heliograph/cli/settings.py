"""`heliograph check` and `version`: what would run, without running it."""

from __future__ import annotations

from heliograph import __version__
from heliograph.cli.options import Config, Data, for_operators, out, settings_of, table
from heliograph.settings import shown


@for_operators
def check(data: Data = None, config: Config = None) -> None:
    """Print the effective settings, secrets masked; loud when one is wrong."""
    rows = table("setting", "value")
    for name, value in shown(settings_of(data, config)).items():
        rows.add_row(name, repr(value) if value == "" else str(value))
    out.print(rows)


def version() -> None:
    """Print the version."""
    out.print(__version__)
