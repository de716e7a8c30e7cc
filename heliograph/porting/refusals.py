"""The report of an import: a CSV of the rows that were not taken, with line, reason and the row as it stands."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from heliograph.spreadsheets import safe

HEADER = ("line", "reason", "row")


class Report:
    """Appended to as rows are refused; made when the first one is."""

    def __init__(self, path: Path, length: int) -> None:
        """`length`: bytes of it that count, when an import goes on."""
        self.path, self.length = path, length
        if length and path.exists():
            os.truncate(path, min(length, path.stat().st_size))
        self._text = io.StringIO()
        self._writer = csv.writer(self._text)

    def add(self, line: int, reason: str, row: str) -> None:
        """A row was refused."""
        if not self.length and not self._text.tell():
            self._writer.writerow(HEADER)
        self._writer.writerow((line, safe(reason), safe(row.rstrip("\r\n"))))

    def flush(self) -> int:
        """Write what was added; the report's length in bytes."""
        text = self._text.getvalue().encode("utf-8", "backslashreplace")
        if text:
            with self.path.open("ab" if self.length else "wb") as file:
                file.write(text)
            self.length += len(text)
            self._text.seek(0)
            self._text.truncate()
        return self.length
