"""A day's files: one ZIP for each campaign, `GUID_YYYY_MM_DD.zip` with `GUID_YYYY_MM_DD.csv` in it (LIT-15).

Each tracking code that was there on that day has one, with a header alone if nobody opened it; campaigns of our own,
which have no beginning and no end, have one for a day on which they were opened. Rows go to disk page by page.
"""

from __future__ import annotations

import asyncio
import re
import zipfile
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from heliograph.clock import from_datetime, to_datetime
from heliograph.outbound.daily.opens import Hit
from heliograph.outbound.daily.rows import COLUMNS, text

_GUID = re.compile(r"[0-9A-Za-z-]+", re.ASCII)
"""What may stand in a file's name."""


def span_of(day: date, zone: tzinfo) -> tuple[int, int]:
    """The instants between which a day lies in a zone, in microseconds; 23 or 25 hours where clocks are changed."""
    midnights = (
        datetime(one.year, one.month, one.day, tzinfo=zone) for one in (day, day + timedelta(days=1))
    )
    begin, end = (from_datetime(one) for one in midnights)
    return begin, end


def day_of(instant: int, zone: tzinfo) -> date:
    """The day that it is in a zone."""
    return to_datetime(instant).astimezone(zone).date()


def stem(guid: str, day: date) -> str:
    """What a campaign's file of a day is called, without what it ends in."""
    return f"{guid}_{day:%Y_%m_%d}"


async def make(folder: Path, day: date, codes: Iterable[str], pages: AsyncIterator[list[Hit]]) -> list[Path]:
    """The ZIPs of a day, in the order of their names, in an empty folder."""
    for code in codes:
        (folder / f"{stem(code, day)}.csv").write_bytes(text([COLUMNS]))
    async for page in pages:
        await asyncio.to_thread(_add, folder, day, page)
    return await asyncio.to_thread(lambda: [_zipped(file) for file in sorted(folder.glob("*.csv"))])


def _add(folder: Path, day: date, page: list[Hit]) -> None:
    rows: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    for hit in page:
        if _GUID.fullmatch(hit.guid):
            rows[hit.guid].append(hit.row)
    for guid, some in rows.items():
        file = folder / f"{stem(guid, day)}.csv"
        header = [] if file.exists() else [COLUMNS]
        with file.open("ab") as lines:
            lines.write(text([*header, *some]))


def _zipped(file: Path) -> Path:
    made = file.with_suffix(".zip")
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(file, file.name)
    file.unlink()
    return made
