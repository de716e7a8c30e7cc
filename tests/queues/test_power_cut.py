"""What of the queues is left when the machine loses its power: only what was flushed to the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import apsw
import pytest
from queue_world import World

_FLUSH = os.fdatasync


class Disk(apsw.VFS):
    """The file system under SQLite, which remembers what each file held when it was last flushed."""

    def __init__(self) -> None:
        super().__init__("remembering", "unix", makedefault=True)
        self.flushed: dict[str, bytes] = {}

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(self, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self.flushed.pop(filename, None)

    def flush(self, descriptor: int) -> None:
        """As `os.fdatasync`, by which the log is flushed past SQLite."""
        _FLUSH(descriptor)
        path = str(Path(f"/proc/self/fd/{descriptor}").readlink())
        self.flushed[path] = Path(path).read_bytes()

    def cut(self, place: Path) -> None:
        """Have in `place` what a machine would find after its power was cut."""
        place.mkdir()
        for path, content in self.flushed.items():
            (place / Path(path).name).write_bytes(content)


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name

    def xSync(self, flags: int) -> None:  # noqa: N802 - apsw's names
        super().xSync(flags)
        if self._path:
            self._disk.flushed[self._path] = Path(self._path).read_bytes()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    made = Disk()
    monkeypatch.setattr(os, "fdatasync", made.flush)
    yield made
    made.unregister()


@pytest.fixture
def world(disk: Disk, tmp_path: Path) -> Iterator[World]:
    with closing(World(tmp_path / "before")) as made:
        yield made


async def _left(disk: Disk, place: Path, url: str) -> list[str]:
    """What a queue hands out after the power was cut: at once, and when everything that was hidden is visible."""
    disk.cut(place)
    with closing(World(place)) as world:
        at_once = await world.bodies(url, VisibilityTimeout=3600)
        await world.clock.advance(600)
        return [*at_once, "later:", *await world.bodies(url)]


async def test_what_was_sent_is_there_and_what_was_deleted_last_may_be_there_again(
    disk: Disk, world: World, tmp_path: Path
) -> None:
    """Sending waits for the disk, receiving and deleting do not; but they are on it as soon as something else is sent."""
    url = await world.queue("q")
    for body in ("deleted before a send", "received before a send", "deleted last"):
        await world.send(url, body)
    handles = await world.handles(url, VisibilityTimeout=600)
    await world.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handles["deleted before a send"])
    await world.send(url, "sent")
    await world.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handles["deleted last"])
    assert await world.bodies(url) == ["sent"]
    assert await _left(disk, tmp_path / "after", url) == [
        "sent",
        "later:",
        "received before a send",
        "deleted last",
    ]


async def test_what_a_fifo_queue_handed_out_stays_hidden_and_what_it_deleted_stays_deleted(
    disk: Disk, world: World, tmp_path: Path
) -> None:
    """Exactly-once processing: it promises more than a standard queue."""
    url = await world.queue("q.fifo", ContentBasedDeduplication="true")
    for body in ("deleted", "hidden", "shown"):
        await world.send(url, body, MessageGroupId=body)
    handles = await world.handles(url, VisibilityTimeout=600)
    assert len(handles) == 3
    await world.ask("DeleteMessage", QueueUrl=url, ReceiptHandle=handles["deleted"])
    await world.ask(
        "ChangeMessageVisibility", QueueUrl=url, ReceiptHandle=handles["shown"], VisibilityTimeout=0
    )
    assert await _left(disk, tmp_path / "after", url) == ["shown", "later:", "hidden"]
