"""The engine: one process that runs folds, reactions, acts and timers over the journal.

It reads the journal's file, appends through its owner's socket, and is the only process that writes state. Feeds
come and go while it runs: each is an act of its own, so a slow receiver delays only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop
from prometheus_client import Gauge

from heliograph.accounts.certificates import signing_certificate
from heliograph.accounts.directory import Directory, load_directory
from heliograph.app import part
from heliograph.app.chores import Chores
from heliograph.app.storage import only_engine, remote
from heliograph.attachments.kept import KeptFiles
from heliograph.clock import Clock, SystemClock
from heliograph.database import empty_wal, open_state
from heliograph.egress import Egress, Guard
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.journal import parked
from heliograph.journal.consumer import Act, Reaction
from heliograph.journal.journal import Journal
from heliograph.journal.loops import Loops
from heliograph.journal.positions import ACT, Who
from heliograph.outbound.calls import Calls, calls_act
from heliograph.outbound.feeds import delivery_log
from heliograph.outbound.feeds.delivery_log import DeliveryLog
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_acts
from heliograph.outbound.feeds.replays import Replayer, replays_act
from heliograph.outbound.feeds.subscription import act_name
from heliograph.outbound.jobs.runner import Runner
from heliograph.outbound.jobs.sources import Sources
from heliograph.outbound.messages.channels import open_lines
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.outbound.messages.compose import Composer
from heliograph.outbound.messages.dispatch import dispatch_act
from heliograph.outbound.messages.dkim import Signers
from heliograph.outbound.messages.facts import look_into
from heliograph.outbound.messages.letters import Desk
from heliograph.outbound.messages.texts.desk import TextDesk
from heliograph.outbound.topics import Means as TopicMeans
from heliograph.outbound.topics import deliveries
from heliograph.outbound.topics.signer import Signer
from heliograph.privacy.deliveries import deliveries_forget
from heliograph.privacy.erasing import Eraser, erasure_act
from heliograph.privacy.evidence import evidence_forgets
from heliograph.privacy.jobs import jobs_forget
from heliograph.privacy.queues import queues_forget
from heliograph.queues.file import QueueFile
from heliograph.react import automations, identities, judgement, policies, readtimes
from heliograph.react.state import definitions
from heliograph.react.state.folds import FOLDS
from heliograph.readers import Readers
from heliograph.readers import load as load_readers
from heliograph.refs import Refs
from heliograph.retention.archive import Archive
from heliograph.retention.forgetting import archive_forgets
from heliograph.retention.removing import Retention
from heliograph.settings import Settings, picture_urls, public_url, topics_url

log = logging.getLogger("heliograph.engine")

EMPTY_SECONDS = 60.0
"""How long what was erased may still lie in the state's write-ahead log."""

LOOK_SECONDS = 0.5
"""How soon a new feed is served, and a revoked key opens nothing."""

LAG = Gauge(
    "heliograph_lag_events",
    "Entries of the journal that a consumer has not handled yet.",
    ["kind", "consumer"],
    multiprocess_mode="livemax",
)


def run(settings: Settings) -> None:
    """Run the engine until SIGTERM."""
    with only_engine(settings):
        uvloop.run(_run(settings, SystemClock()))


def reactions(directory: Directory, readers: Readers) -> tuple[Reaction, ...]:
    """What decides, in one tuple."""
    return (
        identities.REACTION,
        policies.reaction(directory),
        judgement.reaction(directory, readers),
        readtimes.REACTION,
        automations.reaction(directory),
    )


async def _run(settings: Settings, clock: Clock) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with contextlib.AsyncExitStack() as closing:
        journal = await closing.enter_async_context(remote(settings))
        engine = EngineRoom(settings, clock, journal)
        closing.push_async_callback(engine.close)
        part.calm_collector()
        running = loop.create_task(engine.run())
        waiting = loop.create_task(stopped.wait())
        await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        await engine.stop()
        await running


class EngineRoom:
    """The loops and what they need, put together."""

    def __init__(self, settings: Settings, clock: Clock, journal: Journal) -> None:
        self._settings, self._clock = settings, clock
        data = Path(settings.data)
        self._state, self._reading = open_state(data), open_state(data, read_only=True)
        self._directory = load_directory(self._reading)
        self._refs = Refs(self._directory.master)
        self._journal, self._readers = journal, load_readers(settings)
        self._signer = Signer(signing_certificate(self._reading), topics_url(settings))
        self._egress = Egress(settings)
        self._queues, self._links, self._log = QueueFile(data), Links(), DeliveryLog()
        self._http2 = Http2(Guard(settings.egress_allow))
        wire = Wire(egress=self._egress, http2=self._http2, clock=clock, settings=settings)
        self._lines, self._signers = open_lines(settings, clock, wire), Signers(self._reading)
        self._dispatch = self._dispatching()
        self._archive, self._evidence = Archive(data), EvidenceFiles(data)
        self._jobs = self._runner()
        self._retention = Retention(journal=journal, state=self._reading, archive=self._archive)
        self._own = (
            self._dispatch,
            erasure_act(self._eraser()),
            deliveries.confirmations_act(self._topic_means()),
            replays_act(self._replayer()),
            calls_act(self._calls()),
        )
        self._saved = self._receivers()
        self.loops = Loops(
            journal=journal,
            engine=self._state,
            clock=clock,
            folds=FOLDS,
            reactions=reactions(self._directory, self._readers),
            acts=self._acts(self._saved),
        )
        self._beside: list[asyncio.Task[None]] = []

    def _dispatching(self) -> Act:
        settings, clock = self._settings, self._clock
        base, short = public_url(settings), settings.short_url.rstrip("/")
        return dispatch_act(
            self._directory,
            self._journal,
            clock,
            settings,
            look_into(self._reading, clock),
            self._desk(),
            self._lines,
            TextDesk(Composer(clock), self._refs, self._directory, clock, base, short),
        )

    def _calls(self) -> Calls:
        return Calls(self._egress, self._directory, self._journal, self._settings, self._clock)

    def _desk(self) -> Desk:
        settings = self._settings
        return Desk(
            Composer(self._clock),
            self._refs,
            public_url(settings),
            picture_urls(settings),
            settings.bounce_address,
            self._signers,
            KeptFiles(Path(settings.data)),
        )

    async def run(self) -> None:
        """Feed until `stop`."""
        start = asyncio.get_running_loop().create_task
        beside = (self._look_around(), self._jobs.run(), *self._chores().all())
        self._beside = [start(work) for work in beside]
        await self.loops.run()

    async def stop(self) -> None:
        """Begin nothing more, finish what was begun."""
        for task in self._beside:
            task.cancel()
        await self.loops.stop(self._settings.shutdown_grace)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._jobs.close()
        for line in self._lines.values():
            await line.close()
        await self._egress.close()
        await self._http2.close()
        await self._links.close()
        self._queues.close()
        self._reading.dispose()
        empty_wal(self._state)
        self._state.dispose()

    async def _look_around(self) -> None:
        """See what others changed: keys, feeds; and say how far behind everybody is."""
        head, emptied = self.loops.head, self._clock.monotonic()
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                if self._clock.monotonic() - emptied > EMPTY_SECONDS:
                    emptied = self._clock.monotonic()
                    await asyncio.to_thread(empty_wal, self._state)
                await asyncio.to_thread(self._directory.reload, self._reading)
                self._refs.rekey(self._directory.master)
                await asyncio.to_thread(self._signers.reload)
                head = await self._renew_receivers(head)
            except Exception:
                log.exception("what was changed could not be looked at; tried again soon")
            for who, behind in self.loops.lag().items():
                LAG.labels(who.consumer, who.name).set(behind)

    async def _renew_receivers(self, seen: int) -> int:
        """Serve feeds and topics' subscriptions as they are saved now. One that is new begins where the last look was:
        it was saved after that, so it misses nothing."""
        head = self.loops.head
        saved = await asyncio.to_thread(self._receivers)
        if saved != self._saved:
            gone, ended = saved.gone_since(self._saved), saved.ended_since(self._saved)
            acts = await asyncio.to_thread(lambda: self._acts(saved, since=seen))
            self._saved = saved
            self.loops.set_acts(acts)
            for name in gone:
                await self.loops.writer.run(partial(parked.forget, who=Who(ACT, name)))
            for account, feed in ended:
                await self.loops.writer.run(partial(delivery_log.remove, account=account, feed=feed))
        return head

    def _receivers(self) -> _Receivers:
        with self._reading.connect() as connection:
            feeds = definitions.feeds(connection)
        return _Receivers(feeds, deliveries.served(self._topic_means()))

    def _acts(self, saved: _Receivers, *, since: int | None = None) -> tuple[Act, ...]:
        means = self._topic_means()
        return (
            *self._own,
            *feed_acts(self._means(), since=since),
            *(deliveries.subscription_act(one, means, since=since) for one in saved.subscriptions),
        )

    def _replayer(self) -> Replayer:
        return Replayer(
            journal=self._journal, reading=self._reading, loops=lambda: self.loops, clock=self._clock
        )

    def _eraser(self) -> Eraser:
        return Eraser(
            journal=self._journal,
            clock=self._clock,
            reading=self._reading,
            state=self._state,
            loops=lambda: self.loops,
            elsewhere=(
                queues_forget(self._queues),
                archive_forgets(self._archive),
                evidence_forgets(self._evidence),
                jobs_forget(Path(self._settings.data), self._reading),
                deliveries_forget(self._log),
            ),
        )

    def _runner(self) -> Runner:
        data = Path(self._settings.data)
        return Runner(
            data=data,
            journal=self._journal,
            state=self._reading,
            directory=self._directory,
            clock=self._clock,
            settings=self._settings,
            sources=Sources(data=data, egress=self._egress, settings=self._settings),
        )

    def _chores(self) -> Chores:
        return Chores(
            journal=self._journal,
            state=self._reading,
            loops=self.loops,
            directory=self._directory,
            queues=self._queues,
            evidence=self._evidence,
            retention=self._retention,
            deliveries=self._log,
            feeds=lambda: self._saved.feeds,
            settings=self._settings,
            clock=self._clock,
        )

    def _means(self) -> Means:
        return Means(
            engine=self._reading,
            directory=self._directory,
            egress=self._egress,
            queues=self._queues,
            links=self._links,
            journal=self._journal,
            readers=self._readers,
            settings=self._settings,
            clock=self._clock,
            log=self._log,
        )

    def _topic_means(self) -> TopicMeans:
        return TopicMeans(
            engine=self._reading,
            directory=self._directory,
            egress=self._egress,
            queues=self._queues,
            signer=self._signer,
            settings=self._settings,
            clock=self._clock,
        )


class _Receivers(NamedTuple):
    """Who is told: each is served by an act of its own."""

    feeds: Sequence[definitions.Feed]
    subscriptions: Sequence[deliveries.Served]

    def gone_since(self, before: _Receivers) -> set[str]:
        """The names of the acts that were there before."""
        return before._names() - self._names()

    def ended_since(self, before: _Receivers) -> set[tuple[str, str]]:
        """The feeds that were there before, by account and name."""
        now = {(feed.account, feed.name) for feed in self.feeds}
        return {(feed.account, feed.name) for feed in before.feeds} - now

    def _names(self) -> set[str]:
        return {*map(act_name, self.feeds), *map(deliveries.act_name, self.subscriptions)}


async def enroll(settings: Settings, clock: Clock, journal: Journal) -> None:
    """Give every consumer its place in a journal that is still empty, so that no event is taken for the past."""
    room = EngineRoom(settings, clock, journal)
    await room.loops.prepare()
    await room.loops.writer.close()
    await room.close()


if __name__ == "__main__":
    part.run("engine", run)
