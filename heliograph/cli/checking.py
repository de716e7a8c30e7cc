"""`heliograph check`: what would run, without running it."""

from __future__ import annotations

from heliograph.app import checking, occupancy
from heliograph.cli.options import Config, Data, for_operators, out, settings_of, table
from heliograph.settings import shown


@for_operators
def check(data: Data = None, config: Config = None) -> None:
    """Print the effective settings, secrets masked; loud when one is wrong, or a file that it names."""
    settings = settings_of(data, config)
    rows = table("setting", "value")
    for name, value in shown(settings).items():
        rows.add_row(name, repr(value) if value == "" else str(value))
    out.print(rows)
    checking.check(settings)
    holder = occupancy.occupant(settings)
    out.print(f"Being served by {holder}." if holder else "Nobody serves these data now.", highlight=False)
