"""One web worker: the routes of all slices, behind the entry, on a journal that this worker owns or reaches.

Granian calls `create` in each worker process. With one worker the journal is a thread of it and other processes
reach it through the socket that the worker serves; with several a writer process owns it and every worker is a
client of that.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from granian import Granian
from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels
from sqlalchemy import Engine

from heliograph import api, webservice
from heliograph.accounts.directory import RELOAD_SECONDS, Directory, load_directory
from heliograph.api.call import Means
from heliograph.app import occupancy, part, seeing
from heliograph.app.pages import pages
from heliograph.app.storage import owned, remote
from heliograph.aws.door import Door
from heliograph.clock import Clock, SystemClock
from heliograph.database import Reading, open_state
from heliograph.egress import Answer, Egress
from heliograph.inbound import collect, consent, tracking
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.providers import doors as receipts
from heliograph.inbound.tracking import short_links
from heliograph.inbound.tracking.codes import RELOAD_SECONDS as RELOAD_CODES
from heliograph.inbound.tracking.codes import Codes
from heliograph.inbound.tracking.readtime import ReadTimes, open_read_times
from heliograph.journal.journal import Journal
from heliograph.logs import configure
from heliograph.outbound import records
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means as FeedMeans
from heliograph.outbound.images.live import PICTURES, open_live
from heliograph.outbound.images.sources.sources import Sources
from heliograph.outbound.messages.making.letters import Desk
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.outbound.messages.web_copy import WebCopies
from heliograph.outbound.queues import sqs_service
from heliograph.outbound.topics import Registry, sns_service
from heliograph.outbound.topics.pages import pages as topic_pages
from heliograph.queues.file import QueueFile
from heliograph.readers import load as load_readers
from heliograph.refs import Refs
from heliograph.settings import Settings, from_environment, picture_urls, public_url, tracking_url
from heliograph.settings.listening import address_of
from heliograph.supervisor import PARENT, die_with_parent
from heliograph.web.entry import Entry
from heliograph.web.http import ACCOUNT_NUMBER, Route, plain_error
from heliograph.web.proxies import trusting

log = logging.getLogger("heliograph.web")

BACKPRESSURE = 65_536
"""Requests one worker may have open at once: with the default of 1,024 slow readers starve the others."""


RECEIPT_SECONDS = 5.0
"""How long Amazon may take to give its certificate, or to confirm a subscription."""


def serve(settings: Settings) -> None:
    """Run the web workers until SIGTERM; restarts those that die."""
    host, port = address_of(settings.listen)
    os.environ[PARENT] = str(os.getpid())
    Granian(
        "heliograph.app.web:create",
        address=host,
        port=port,
        interface=Interfaces.RSGI,
        factory=True,
        workers=settings.workers,
        loop=Loops.auto,  # `web.stopping`
        http=HTTPModes.http1,  # HTTP/2 is spoken by the TLS proxy in front; guessing costs every connection
        websockets=False,
        backlog=4096,
        backpressure=BACKPRESSURE,
        respawn_failed_workers=True,
        workers_kill_timeout=max(1, int(settings.shutdown_grace)),
        log_level=LogLevels.warning,
    ).serve()


def create() -> Entry:
    """The application of one worker process (Granian's factory)."""
    settings = from_environment()
    die_with_parent(int(os.environ[PARENT]))
    occupancy.be_alive(settings)
    configure(settings.log_level, settings.log_format, "web")
    worker = Worker(settings, SystemClock())
    entry = Entry(
        worker.start,
        worker.stop,
        stopping=worker.let_go,
        resolve=trusting(settings.trusted_proxies),
        page_limit=settings.body_limit,
    )
    worker.counts = entry.counts
    return entry


class Worker:
    """What one worker process holds: its journal, the directory of keys, and what runs beside the requests."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings, self.clock = settings, clock
        self.data = Path(settings.data)
        self.readers = load_readers(settings)
        self.counts: Any = None
        self._read_times: ReadTimes | None = None
        self._closing = contextlib.AsyncExitStack()

    async def start(self) -> tuple[Sequence[Route], Any]:
        """Open everything; the routes and the application for pages."""
        engine = open_state(self.data, read_only=True)
        directory = load_directory(engine)
        journal: Journal
        if self.settings.workers == 1:
            journal = await self._closing.enter_async_context(owned(self.settings))
        else:
            journal = await self._closing.enter_async_context(remote(self.settings))
        refs = Refs(directory.master)
        egress = self._egress()
        live = open_live(
            self.settings, directory, refs, journal, engine, self.clock, self._sources(egress), self.readers
        )
        self._closing.callback(live.close)
        part.calm_collector()
        self._beside(self._refresh(directory, refs, engine))
        topics = Registry(engine, journal, directory, self.clock)
        queues = self._queues()
        means = self._means(directory, journal, engine, queues, egress)
        base = public_url(self.settings)
        calls = webservice.Means(
            journal=journal, state=engine, directory=directory, clock=self.clock, egress=egress, base=base
        )
        others = (
            *live.pages,
            *WebCopies(directory, refs, journal, engine, self.clock, self._desk(refs)).pages(),
            *topic_pages(topics, self.settings),
            *api.routes(means, self.settings),
            *webservice.routes(calls, self.settings),
        )
        uploads = api.uploads(means, self.settings)
        routes = (
            uploads,
            *self._routes(directory, refs, journal, engine, topics, queues, egress),
            *live.doors,
        )
        return routes, pages(journal, engine, others)

    def _means(
        self, directory: Directory, journal: Journal, engine: Engine, queues: QueueFile, egress: Egress
    ) -> Means:
        """What the operators' API works with; a feed is tried out by the worker that is asked to."""
        feeds = FeedMeans(
            reading=Reading(engine),
            directory=directory,
            egress=egress,
            queues=queues,
            links=self._links(),
            journal=journal,
            readers=self.readers,
            settings=self.settings,
            clock=self.clock,
        )
        return Means(
            journal=journal,
            state=engine,
            evidence=EvidenceFiles(self.data),
            directory=directory,
            clock=self.clock,
            feeds=feeds,
            egress=egress,
            base=public_url(self.settings),
            tracking_url=tracking_url(self.settings),
        )

    def _desk(self, refs: Refs) -> Desk:
        return Desk(Composer(self.clock), refs, public_url(self.settings), picture_urls(self.settings))

    def let_go(self) -> None:
        """Begin nothing more that takes its time."""
        if self._read_times is not None:
            self._read_times.stop()

    async def stop(self) -> None:
        """Finish what was accepted, then let go."""
        await self._closing.aclose()

    def _sources(self, egress: Egress) -> Sources:
        """The pictures that operators name, fetched by this worker."""
        sources = Sources(egress, self.clock, self.data / PICTURES)
        self._closing.push_async_callback(sources.close)
        return sources

    def _egress(self) -> Egress:
        egress = Egress(self.settings)
        self._closing.push_async_callback(egress.close)
        return egress

    def _links(self) -> Links:
        links = Links()
        self._closing.push_async_callback(links.close)
        return links

    def _queues(self) -> QueueFile:
        queues = QueueFile(self.data)
        self._closing.callback(queues.close)
        return queues

    def _routes(
        self,
        directory: Directory,
        refs: Refs,
        journal: Journal,
        engine: Engine,
        topics: Registry,
        queues: QueueFile,
        egress: Egress,
    ) -> tuple[Route, ...]:
        codes = Codes(engine, journal)
        self._beside(self._reload(codes))
        read_times = open_read_times(directory, refs, journal, self.clock, self.readers, self.settings)
        self._closing.push_async_callback(read_times.close)
        self._read_times = read_times
        return (
            *collect.routes(directory, journal, self.clock, self.settings, engine),
            *tracking.routes(directory, refs, journal, self.clock, self.readers, read_times, codes),
            *short_links.routes(directory, journal, engine, self.clock, self.readers, self.settings),
            *consent.routes(
                directory, refs, journal, self.clock, engine, consent.load_wordings(self.settings)
            ),
            *self._receipts(directory, refs, journal, engine, egress),
            *records.routes(directory, journal, engine, self.clock, self.settings),
            *self._amazon(directory, topics, queues),
        )

    def _receipts(
        self, directory: Directory, refs: Refs, journal: Journal, engine: Engine, egress: Egress
    ) -> tuple[Route, ...]:
        async def fetch(url: str) -> bytes | None:
            answer = await egress.get(url, {}, RECEIPT_SECONDS)
            return answer.body if isinstance(answer, Answer) and answer.status == 200 else None

        files = EvidenceFiles(self.data)
        return receipts.routes(directory, refs, journal, engine, self.clock, self.settings, files, fetch)

    def _amazon(self, directory: Directory, topics: Registry, queues: QueueFile) -> tuple[Route, ...]:
        services = (
            sqs_service(queues, public_url(self.settings), self.clock),
            sns_service(topics, self.settings),
        )
        door = Door(services, directory, self.clock)
        return Route("", door, plain_error), Route(ACCOUNT_NUMBER, door, plain_error)

    async def _refresh(self, directory: Directory, refs: Refs, engine: Engine) -> None:
        while True:
            await self.clock.sleep(RELOAD_SECONDS / 2)
            try:
                await asyncio.to_thread(directory.reload, engine)
                refs.rekey(directory.master)
            except Exception:
                log.exception("the directory of keys could not be loaded again")
            self.counts.flush()
            seeing.say("web", directory)

    async def _reload(self, codes: Codes) -> None:
        while True:
            await self.clock.sleep(RELOAD_CODES)
            try:
                await asyncio.to_thread(codes.reload)
            except Exception:
                log.exception("the tracking codes could not be loaded again")

    def _beside(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)

        async def end() -> None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

        self._closing.push_async_callback(end)


if __name__ == "__main__":
    part.run("web", serve)
