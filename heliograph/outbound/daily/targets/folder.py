"""A folder of this machine, or one that is mounted here."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from heliograph.outbound.daily.target import Exists, Failed, Outcome, Put, Target
from heliograph.settings import Settings


async def put(address: str, files: Sequence[Path], settings: Settings) -> list[Outcome]:
    """Copy under a hidden name, then give it its own: by a link, which fails where the name is taken."""
    return await asyncio.to_thread(lambda: [_put(Path(address), file) for file in files])


def _put(folder: Path, file: Path) -> Outcome:
    part = folder / f".{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, part)
        with part.open("rb") as copied:
            os.fsync(copied.fileno())
        os.link(part, folder / file.name)
    except FileExistsError:
        return Exists()
    except OSError as error:
        return Failed(f"{folder}: {error.strerror or error}")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return Put()


TARGET = Target(scheme="", put=put)
