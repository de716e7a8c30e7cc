"""An open as a row of CSV, in the columns of Litmus' export (wire-facts 2.3). Pure.

The first nineteen are those of the export that is known, under today's names; what we know more stands behind them. A
cell comes from whoever fetches the pixel, that is from anybody: one that a spreadsheet would compute is made text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import NamedTuple

from heliograph.clock import to_datetime
from heliograph.events.engagement import MessageOpened
from heliograph.events.event import AnyEvent
from heliograph.react.state.reading import happened
from heliograph.react.state.reports.cells import Cell, friendly
from heliograph.spreadsheets import safe

COLUMNS = (
    "created_at",
    "custom_id",
    "custom_type",
    "mail_client",
    "mail_client_specific",
    "mail_client_friendly_name",
    "rendering_engine",
    "platform",
    "read_seconds",
    "read_category",
    "city",
    "region",
    "country",
    "long",
    "lat",
    "referrer",
    "user_agent",
    "ip_address",
    "campaign_guid",
    "custom_data",
    "reliability_category",
)

CATEGORIES = {
    "Read": "read",
    "Skimmed": "skimmed",
    "Glanced": "glanced/deleted",
    "Not Supported": "not supported",
}
"""What `message.read` calls it, and what the export does (wire-facts 2.3)."""

RELIABILITY = {True: "Reliable", False: "Unreliable", None: ""}


class Known(NamedTuple):
    """What reports know of an open: whose it is, and the cell that it is counted in."""

    guid: str
    cell: Cell


def row(event: AnyEvent, data: MessageOpened, known: Known) -> tuple[str, ...]:
    """One open. Geography and IP addresses have been blank since 2022 (S0:L33)."""
    cell = known.cell
    whose = event.subject.removeprefix("person:") if event.subject.startswith("person:") else ""
    said = (
        to_datetime(happened(event)).strftime("%Y-%m-%dT%H:%M:%S"),
        data.custom_id or whose,
        data.custom_type,
        cell.mail_client,
        cell.mail_client_specific,
        friendly(cell),
        cell.rendering_engine,
        cell.platform,
        "" if cell.seconds is None else str(cell.seconds),
        CATEGORIES.get(cell.category, ""),
        *("", "", "", "", ""),
        data.referrer,
        data.user_agent,
        "",
        known.guid,
        data.custom_data,
        RELIABILITY[cell.reliable],
    )
    return tuple(map(safe, said))


def text(rows: Iterable[tuple[str, ...]]) -> bytes:
    """Rows as CSV (RFC 4180, UTF-8)."""
    lines = io.StringIO()
    csv.writer(lines).writerows(rows)
    return lines.getvalue().encode("utf-8", "backslashreplace")
