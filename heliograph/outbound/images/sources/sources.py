"""The pictures of a worker's conditional images: in memory, on disk, or from their source, in this order.

    picture(url) -> known and fresh: at once
                 -> known but old: the old one at once, and the source is asked meanwhile
                 -> unknown: the source is asked, and waited for a little
                 -> broken: the last good copy, for a month; then None, and the door shows the fallback

Only addresses that an operator published come here. A source is asked by one task per worker at a time, and each
worker looks first whether another has just asked. One that fails is left alone for a while, longer each time. A full
or missing disk costs fetches, never a picture.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urlsplit

import msgspec
from prometheus_client import Counter

from heliograph.clock import Clock
from heliograph.egress import Egress
from heliograph.outbound.images.kept import Kept
from heliograph.outbound.images.sources import isolated
from heliograph.outbound.images.sources.fetching import Fetched, Unchanged, Validators, fetch
from heliograph.outbound.images.sources.learning import can_be_shown, confirmed, failed, found
from heliograph.outbound.images.sources.picture import Picture, Unusable
from heliograph.outbound.images.sources.shelf import Copy, Shelf

FIRST_WAIT = 4.0  # seconds for a picture that nobody has seen yet; mail proxies give up after about 10
MEMORY_BYTES = 48_000_000  # of pictures, per worker
DISK_BYTES = 512 * 1024 * 1024
AT_ONCE = 4  # sources asked at the same time, per worker; each may hold 5 MiB and a child process
WAITING = (
    200  # sources that are asked or wait to be; more are not taken on, and tried again by their next reader
)
THREADS = (
    8  # for the disk and for waiting on children: more than AT_ONCE, so that the disk is never waited for
)

ASKED = Counter("heliograph_picture_sources", "picture sources asked, by outcome", ["outcome"])

T = TypeVar("T")

log = logging.getLogger("heliograph.images")


class _Known(NamedTuple):
    copy: Copy
    picture: Picture | None


class Sources:
    """One per worker. `directory`: shared by all of them. Made and closed inside the event loop."""

    def __init__(
        self, egress: Egress, clock: Clock, directory: Path, *, disk_bytes: int = DISK_BYTES
    ) -> None:
        self._egress = egress
        self._clock = clock
        self._shelf = Shelf(directory, disk_bytes)
        self._memory: Kept[str, _Known] = Kept(MEMORY_BYTES, _weight)
        self._recalling: dict[str, asyncio.Task[_Known | None]] = {}
        self._asking: dict[str, asyncio.Task[_Known | None]] = {}
        self._few = asyncio.Semaphore(AT_ONCE)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="pictures")

    async def picture(self, url: str) -> Picture | None:
        """The picture to show now; None: there is none, show the fallback."""
        known = self._memory.get(url) or await self._recalled(url)
        if known is None or known.copy.due <= self._clock.now():
            asking = self._ask(url)
            if asking is not None and (known is None or known.picture is None):
                await asyncio.wait((asking,), timeout=FIRST_WAIT)
                known = self._memory.get(url)
        if known is None or not can_be_shown(known.copy, self._clock.now()):
            return None
        return known.picture

    async def look(self, url: str) -> Picture | Unusable:
        """The picture for somebody who chooses it: its source is asked now if it is due, or failed the last time."""
        known = self._memory.get(url) or await self._recalled(url)
        if known is None or known.copy.failures or known.copy.due <= self._clock.now():
            asking = self._ask(url, again=True)
            known = await asyncio.shield(asking) if asking else None
        if known is None:
            return Unusable("cannot be fetched now: too many others are waited for")
        return known.picture if known.picture and not known.copy.failures else Unusable(known.copy.reason)

    async def close(self) -> None:
        """Stop asking."""
        tasks = [*self._asking.values(), *self._recalling.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _recalled(self, url: str) -> _Known | None:
        """What the disk knows, now in memory. Everybody who waits for it waits for one reading."""
        task = self._recalling.get(url) or _started(self._recalling, url, self._recall(url))
        return await asyncio.shield(task)

    async def _recall(self, url: str) -> _Known | None:
        known = await self._apart(partial(_read, self._shelf, url))
        return self._memory.put(url, known) if known else None

    def _ask(self, url: str, *, again: bool = False) -> asyncio.Task[_Known | None] | None:
        """The task that asks this source, begun unless it is under way; None when too many are."""
        task = self._asking.get(url)
        if task is None and len(self._asking) < WAITING:
            task = _started(self._asking, url, self._renewed(url, again=again))
        return task

    async def _renewed(self, url: str, *, again: bool) -> _Known:
        """What is known of a source after it was asked, or after another worker has asked it."""
        async with self._few:
            known = _fuller(await self._apart(partial(_read, self._shelf, url)), self._memory.get(url))
            if known is None or known.copy.due <= self._clock.now() or (again and known.copy.failures):
                validators = known.copy.validators if known and known.picture else Validators()
                answer = await fetch(self._egress, url, validators)
                known = await self._apart(partial(self._learnt, url, known, answer))
                ASKED.labels("failed" if known.copy.failures else "good").inc()
            return self._memory.put(url, known)

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _learnt(self, url: str, known: _Known | None, answer: Fetched | Unchanged | Unusable) -> _Known:
        """What is known now, written down if the disk takes it. In a thread."""
        learnt = self._judged(url, known, answer)
        if learnt.copy.failures == 1:
            log.warning("the picture source at %s %s", urlsplit(url).hostname, learnt.copy.reason)
        try:
            if learnt.picture and (known is None or learnt.copy.body != known.copy.body):
                self._shelf.add(learnt.picture.body)
            self._shelf.note(learnt.copy)
        except OSError as error:
            log.warning("a picture source cannot be kept on disk: %s", error)
        return learnt

    def _judged(self, url: str, known: _Known | None, answer: Fetched | Unchanged | Unusable) -> _Known:
        now, copy, picture = self._clock.now(), known and known.copy, known and known.picture
        if copy and picture and isinstance(answer, Unchanged):
            return _Known(confirmed(copy, answer.fresh, copy.validators, now), picture)
        if isinstance(answer, Unchanged):
            answer = Unusable("says that it has not changed, and we have nothing of it")
        if isinstance(answer, Unusable):
            return _Known(failed(url, copy, answer.reason, now), picture)
        raw = sha256(answer.body).hexdigest()
        if copy and picture and copy.raw == raw:
            return _Known(confirmed(copy, answer.fresh, answer.validators, now), picture)
        checked = isolated.check(answer.body)
        if isinstance(checked, Unusable):
            return _Known(failed(url, copy, checked.reason, now), picture)
        body = sha256(checked.body).hexdigest()
        return _Known(found(url, checked, body, raw, answer, now), checked)


def _read(shelf: Shelf, url: str) -> _Known | None:
    """What the disk knows; a picture that is gone from it is due at once."""
    copy = shelf.find(url)
    if copy is None:
        return None
    picture = shelf.read(copy)
    if copy.body and picture is None:
        copy = msgspec.structs.replace(copy, due=0, body="", raw="", validators=Validators())
    return _Known(copy, picture)


def _fuller(on_disk: _Known | None, in_memory: _Known | None) -> _Known | None:
    """Whichever has the picture, and of two that have it the one that another worker may have renewed."""
    if on_disk is None or (in_memory is not None and in_memory.picture and not on_disk.picture):
        return in_memory
    return on_disk if in_memory is None or on_disk.copy.due >= in_memory.copy.due else in_memory


def _started(
    tasks: dict[str, asyncio.Task[_Known | None]], url: str, work: Coroutine[Any, Any, _Known | None]
) -> asyncio.Task[_Known | None]:
    """A task of this name, until it is done."""

    def done(task: asyncio.Task[_Known | None]) -> None:
        del tasks[url]
        if not task.cancelled() and task.exception():
            log.error("the picture source at %s", urlsplit(url).hostname, exc_info=task.exception())

    tasks[url] = task = asyncio.create_task(work)
    task.add_done_callback(done)
    return task


def _weight(known: _Known) -> int:
    return 2_000 + (len(known.picture.body) if known.picture else 0)
