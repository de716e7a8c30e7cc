"""Mail from a maildir: what lies in `new` is read, recorded, and moved to `cur` or removed.

A mail is moved when its event is on disk, so a crash in between reads it once more, and its derived id records it once.
One that cannot be read (a directory, no permission) is logged and left; the others go on.
"""

from __future__ import annotations

import logging
from pathlib import Path

from heliograph.clock import Clock
from heliograph.errors import OperatorError, Unavailable
from heliograph.inbound.receipts.mail.intake import Delivery, Intake
from heliograph.inbound.receipts.mail.parts import READ_LIMIT

log = logging.getLogger("heliograph.mail")

LOOK_SECONDS = 2.0
SEEN = ":2,S"
"""What a mail in `cur` that was read has at the end of its name."""


class Maildir:
    """A maildir that is emptied. `remove`: mails that were recorded are removed, else moved to `cur`."""

    def __init__(self, path: Path, intake: Intake, clock: Clock, *, remove: bool = False) -> None:
        if not all((path / name).is_dir() for name in ("new", "cur")):
            raise OperatorError(f"maildir: {path} is no maildir: it has no directories new and cur")
        self._path, self._intake, self._clock, self._remove = path, intake, clock, remove
        self._left: set[str] = set()

    async def run(self) -> None:
        """Look again and again."""
        while True:
            try:
                await self.empty()
            except (Unavailable, OSError) as error:
                log.warning("maildir %s: %s; tried again soon", self._path, error)
            except Exception:
                log.exception("maildir %s could not be read; tried again soon", self._path)
            await self._clock.sleep(LOOK_SECONDS)

    async def empty(self) -> int:
        """Take every mail that is new, the oldest first; how many. Raises `Unavailable` when nothing can be recorded."""
        taken = 0
        for path in sorted((self._path / "new").iterdir()):
            try:
                with path.open("rb") as file:
                    raw = file.read(READ_LIMIT + 1)
            except FileNotFoundError:
                continue  # somebody else reads this maildir too
            except OSError as error:
                if path.name not in self._left:
                    log.warning("%s cannot be read and is left: %s", path, error)
                    self._left.add(path.name)
                continue
            if await self._intake.taken(raw, Delivery(None), path.name):
                self._done(path)
                taken += 1
        return taken

    def _done(self, path: Path) -> None:
        if self._remove:
            path.unlink(missing_ok=True)
        else:
            path.rename(self._path / "cur" / (path.name.partition(":")[0] + SEEN))
