"""A report as a terminal shows it: figures in tables, shares as bars, its course as columns of blocks.

Everything that comes from outside (a link, a mail client, a name) is put in as text, never as markup."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from heliograph.app.reports import Found
from heliograph.react.state.reports.asking import Point
from heliograph.react.state.reports.figures import Clicks, Client, Opens, Report, share

BLOCKS = " ▁▂▃▄▅▆▇█"
WIDTH = 24
"""Characters of a whole bar."""
COLUMNS = 72
"""Points of a course at most: the latest."""
ROWS = 10
"""Rows of a table of clients or links at most."""

Figure = tuple[str, int, float | None]


def drawn(found: Found) -> RenderableType:
    """The whole report."""
    report = found.report
    parts: list[RenderableType] = [
        Text(f"{found.of} {found.name}", style="bold"),
        _figures("mail", _mail(report)),
        _figures("opens", _opens(report.opens)),
        _figures("reading (reliable opens)", _reading(report)),
    ]
    for title, clients in (("mail clients", report.clients), ("platforms", report.platforms)):
        if clients:
            parts.append(_figures(f"{title} (reliable opens)", _shares(clients)))
    parts.append(_figures("clicks", _clicks(report.clicks, report)))
    if report.clicks.links:
        parts.append(_links(report.clicks))
    if found.course:
        parts.append(course(found.course, found.time_zone))
    return Group(*(one for part in parts for one in (part, Text())))


def course(points: Sequence[Point], zone: str) -> RenderableType:
    """Opens and clicks as columns of blocks, one for each hour or day that something happened in."""
    shown = points[-COLUMNS:]
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=False)
    for name in ("opens", "clicks"):
        numbers = [getattr(point, name) for point in shown]
        table.add_row(name, Text(sparkline(numbers), style="cyan"), f"{max(numbers):,} at most")
    table.add_row("", Text(f"{shown[0].at} to {shown[-1].at}, {zone}", style="dim"))
    return table


def sparkline(numbers: Sequence[int]) -> str:
    """A block for each number: nought is blank, anything else is seen."""
    most = max(numbers, default=0) or 1
    steps = len(BLOCKS) - 1
    return "".join(BLOCKS[-(-number * steps // most)] for number in numbers)


def bar(part: float) -> str:
    """A share from 0 to 1 as a bar, to an eighth of a character."""
    eighths = round(min(max(part, 0.0), 1.0) * WIDTH * 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _figures(title: str, figures: Iterable[Figure]) -> Table:
    table = Table(
        title=title, title_justify="left", box=None, show_header=False, padding=(0, 1), pad_edge=False
    )
    table.add_column(min_width=22)
    table.add_column(justify="right", min_width=9)
    table.add_column(justify="right", min_width=7)
    table.add_column(min_width=WIDTH)
    for name, number, part in figures:
        percent = "" if part is None else f"{part:.1%}"
        table.add_row(Text(name), f"{number:,}", percent, Text("" if part is None else bar(part), "cyan"))
    return table


def _mail(report: Report) -> list[Figure]:
    mail, rates = report.mail, report.rates
    figures: list[Figure] = [
        ("sent", mail.sent, None),
        ("delivered", mail.delivered, rates.delivered),
        ("bounced", mail.bounced, rates.bounced),
    ]
    figures += [(f"  {name}", n, share(n, mail.bounced)) for name, n in report.bounces.classes.items()]
    figures += [
        ("unsubscribed", mail.unsubscribed, rates.unsubscribed),
        ("complained", mail.complained, rates.complained),
        ("refused by us", mail.refused, share(mail.refused, mail.requested)),
    ]
    return figures


def _opens(opens: Opens) -> list[Figure]:
    modes, whole = opens.modes, opens.total
    figures = [
        ("people who opened", opens.unique.by_person),
        ("opens", whole),
        ("by people", opens.by_person),
        ("by machines", opens.by_machine),
        ("reliable", opens.reliable),
        ("dark mode", modes.dark),
        ("light mode", modes.light),
    ]
    return [(name, n, share(n, whole) if place > 1 else None) for place, (name, n) in enumerate(figures)]


def _reading(report: Report) -> list[Figure]:
    reading, whole = report.reading, report.opens.reliable
    names = ("read", "skimmed", "glanced", "not_supported", "unmeasured")
    return [
        (name.replace("_", " "), getattr(reading, name), share(getattr(reading, name), whole))
        for name in names
    ]


def _clicks(clicks: Clicks, report: Report) -> list[Figure]:
    return [
        ("people who clicked", clicks.unique.by_person, report.rates.click_to_open),
        ("clicks", clicks.total, None),
        ("by people", clicks.by_person, share(clicks.by_person, clicks.total)),
        ("by machines", clicks.by_machine, share(clicks.by_machine, clicks.total)),
        ("prints", report.prints, None),
        ("forwards", report.forwards, None),
    ]


def _shares(clients: Sequence[Client]) -> list[Figure]:
    shown: list[Figure] = [(client.name, client.opens, client.share) for client in clients[:ROWS]]
    rest = clients[ROWS:]
    if rest:
        shown.append((f"{len(rest)} more", sum(one.opens for one in rest), sum(one.share for one in rest)))
    return shown


def _links(clicks: Clicks) -> Table:
    return _figures(
        "links", [(one.link, one.total, share(one.total, clicks.total)) for one in clicks.links[:ROWS]]
    )
