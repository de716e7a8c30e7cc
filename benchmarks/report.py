"""How figures are printed: what was measured, against what, the ratio, and whether the goal was reached."""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Console
from rich.table import Table

console = Console(highlight=False, width=150)


class Row(NamedTuple):
    """One figure. `ratio` is None where there is nothing to compare with; `goal` in words."""

    what: str
    figure: str
    against: str = ""
    ratio: float | None = None
    goal: float | None = None
    goal_is_most: bool = False
    value: float | None = None

    @property
    def reached(self) -> str:
        """yes, NO, or nothing where there is no goal."""
        measured = self.ratio if self.ratio is not None else self.value
        if self.goal is None or measured is None:
            return ""
        return "yes" if (measured <= self.goal if self.goal_is_most else measured >= self.goal) else "NO"


def show(title: str, rows: list[Row]) -> None:
    """Print a table of figures."""
    table = Table(
        "what", "measured", "against", "ratio", "goal", "reached", title=title, title_justify="left"
    )
    for row in rows:
        sign = "<=" if row.goal_is_most else ">="
        table.add_row(
            row.what,
            row.figure,
            row.against,
            "" if row.ratio is None else f"{row.ratio:.3g}x",
            "" if row.goal is None else f"{sign} {row.goal:g}",
            row.reached,
        )
    console.print(table)
