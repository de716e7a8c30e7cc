"""What goes out, in a process of its own: mails, texts, pushes, feeds, topics, calls.

Its acts follow the folds of the engine (`journal.following`) and read what these remember; in state it writes where each
act stands, what is to be tried again and what was given up, nothing else. So a slow receiver, or the work of rendering and
signing, never holds up what is remembered and decided. Feeds come and go while it runs: each is an act of its own, so a
slow receiver delays only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from heliograph.accounts.certificates import signing_certificate
from heliograph.accounts.directory import load_directory
from heliograph.app import lag, maker, part, seeing
from heliograph.app.storage import OUTBOUND, only, remote
from heliograph.clock import Clock, SystemClock
from heliograph.database import Reading, open_state
from heliograph.egress import Egress, Guard
from heliograph.journal import parked, positions
from heliograph.journal.breaker import State
from heliograph.journal.consumer import Act
from heliograph.journal.following import SOCKET
from heliograph.journal.journal import Journal
from heliograph.journal.loops import Loops
from heliograph.journal.positions import ACT, FOLD, Who
from heliograph.outbound.calls import Calls, calls_act
from heliograph.outbound.feeds import breakers, delivery_log, figures
from heliograph.outbound.feeds.breakers import BreakerLog
from heliograph.outbound.feeds.delivery_log import DeliveryLog
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_acts
from heliograph.outbound.feeds.replays import Replayer, replays_act
from heliograph.outbound.feeds.subscription import act_name
from heliograph.outbound.feeds.surroundings import Recent
from heliograph.outbound.messages.channels import open_lines
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.outbound.messages.dispatch import dispatch_act
from heliograph.outbound.messages.facts.look import look_into
from heliograph.outbound.messages.mail.dkim import Signers
from heliograph.outbound.messages.making.fetching import Fetching
from heliograph.outbound.messages.making.makers import Makers, by_machine
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.outbound.messages.texts.desk import TextDesk
from heliograph.outbound.topics import Means as TopicMeans
from heliograph.outbound.topics import deliveries
from heliograph.outbound.topics.signer import Signer
from heliograph.queues.file import QueueFile
from heliograph.react.state import definitions, topics
from heliograph.readers import load as load_readers
from heliograph.refs import Refs
from heliograph.settings import Settings, public_url, topics_url
from heliograph.supervisor import PARENT

log = logging.getLogger("heliograph.outbound")


LOOK_SECONDS = 0.5
"""How soon a new feed is served, a revoked key opens nothing, and what deliveries noted is written."""


def run(settings: Settings) -> None:
    """Act until SIGTERM."""
    with only(settings, OUTBOUND):
        uvloop.run(_run(settings, SystemClock()))


async def _run(settings: Settings, clock: Clock) -> None:
    async with contextlib.AsyncExitStack() as closing:
        journal = await closing.enter_async_context(remote(settings))
        room = OutboundRoom(settings, clock, journal)
        closing.push_async_callback(room.close)
        await part.until_stopped(room)


class OutboundRoom:
    """The acts and what they need, put together."""

    def __init__(self, settings: Settings, clock: Clock, journal: Journal) -> None:
        self._settings, self._clock, self._journal = settings, clock, journal
        data = Path(settings.data)
        self._state, self._reading = open_state(data), open_state(data, read_only=True)
        self._looks = Reading(self._reading)
        self._directory, self._readers = load_directory(self._reading), load_readers(settings)
        self._refs = Refs(self._directory.master)
        self._signer = Signer(signing_certificate(self._reading), topics_url(settings))
        self._egress = Egress(settings)
        self._queues, self._links = QueueFile(data), Links()
        self._log, self._attempts, self._recent = DeliveryLog(), figures.Attempts(), Recent()
        self._http2 = Http2(Guard(settings.egress_allow))
        wire = Wire(egress=self._egress, http2=self._http2, clock=clock, settings=settings)
        self._lines = open_lines(settings, clock, wire)
        self._signers = Signers(self._reading)
        self._look = look_into(self._looks, clock)
        self._makers = self._open_makers()
        self._own = (
            self._dispatch(),
            deliveries.confirmations_act(self._topic_means()),
            replays_act(self._replayer()),
            calls_act(Calls(self._egress, self._directory, journal, settings, clock)),
        )
        self._saved, self._shown_to = self._receivers()
        self.loops = Loops(
            journal=journal,
            engine=self._state,
            clock=clock,
            acts=self._acts(self._saved),
            led_by=data / SOCKET,
            on_forget=self._forget,
        )
        self._beside: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """Feed until `stop`."""
        start = asyncio.get_running_loop().create_task
        self._beside = [start(self._look_around()), start(self._write_log())]
        await self.loops.run()

    async def stop(self) -> None:
        """Begin nothing more, finish what was begun."""
        for task in self._beside:
            task.cancel()
        await self.loops.stop(self._settings.shutdown_grace)

    async def close(self) -> None:
        """Say what was done last, and let go of every connection."""
        self._attempts.show()
        for line in self._lines.values():
            await line.close()
        await self._makers.close()
        await self._egress.close()
        await self._http2.close()
        await self._links.close()
        self._queues.close()
        self._looks.close()
        self._reading.dispose()
        self._state.dispose()

    def _forget(self) -> None:
        """Let go of what is kept in memory: somebody was erased."""
        self._recent.clear()
        self._log.clear()
        self._makers.forget()

    async def _look_around(self) -> None:
        """See what others changed: keys, feeds; and say how far behind everybody is."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                await asyncio.to_thread(self._directory.reload, self._reading)
                self._refs.rekey(self._directory.master)
                await asyncio.to_thread(self._signers.reload)
                await self._renew_receivers()
            except Exception:
                log.exception("what was changed could not be looked at; tried again soon")
            lag.say(self.loops)
            seeing.say("outbound", self._directory)

    async def _renew_receivers(self) -> None:
        """Serve feeds and topics' subscriptions as they are saved now. One that is new begins where it was saved."""
        saved, shown_to = await asyncio.to_thread(self._receivers)
        if shown_to < self._shown_to:  # a fold starts over: who is not shown yet is not gone
            return
        self._shown_to = shown_to
        if saved != self._saved:
            gone, ended = saved.gone_since(self._saved), saved.ended_since(self._saved)
            acts = await asyncio.to_thread(self._acts, saved)
            self._saved = saved
            self.loops.set_acts(acts)
            for name in gone:
                await self.loops.writer.run(partial(parked.forget, who=Who(ACT, name)))
            for account, feed in ended:
                await self.loops.writer.run(partial(delivery_log.remove, account=account, feed=feed))

    async def _write_log(self) -> None:
        """Write what deliveries noted, and say how each feed stands."""
        held = BreakerLog()
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            self._attempts.show()
            try:
                if noted := self._log.take():
                    await self.loops.writer.run(partial(delivery_log.write, noted=noted))
                await self._say_how_feeds_stand(held)
            except Exception:
                log.exception("the log of deliveries could not be written")

    async def _say_how_feeds_stand(self, held: BreakerLog) -> None:
        waiting, parked_now = await asyncio.to_thread(self._left_over)
        standing, behind, now = self.loops.standing(), self.loops.lag(), self._clock.now()
        breakers_now: dict[breakers.Of, State] = {}
        for feed in self._saved.feeds:
            who = Who(ACT, act_name(feed))
            if who in standing:
                breakers_now[feed.account, feed.name] = standing[who].breaker
                figures.stand(
                    feed.account,
                    feed.name,
                    behind=behind.get(who, 0),
                    waiting_since=standing[who].waiting_since,
                    breaker=standing[who].breaker,
                    waiting=waiting.get(who, 0),
                    parked=parked_now.get(who, 0),
                    now=now,
                )
        await held.say(breakers_now, now, self.loops.writer)

    def _left_over(self) -> tuple[dict[Who, int], dict[Who, int]]:
        """How many events wait to be tried again, and how many were given up, of each act."""
        with self._reading.connect() as connection:
            return parked.waiting(connection), parked.count(connection)

    def _receivers(self) -> tuple[_Receivers, int]:
        """Who is told, as state shows it, and up to which place of the journal it does."""
        with self._reading.connect() as connection:
            at = positions.load(connection)
            shown_to = min(at.get(Who(FOLD, fold.name), 0) for fold in (definitions.FOLD, topics.FOLD))
            subscriptions = deliveries.served(connection, self._clock.now())
            return _Receivers(definitions.feeds(connection), subscriptions), shown_to

    def _acts(self, saved: _Receivers) -> tuple[Act, ...]:
        means = self._topic_means()
        return (
            *self._own,
            *feed_acts(self._means()),
            *(deliveries.subscription_act(one, means) for one in saved.subscriptions),
        )

    def _dispatch(self) -> Act:
        settings, clock = self._settings, self._clock
        base, short = public_url(settings), settings.short_url.rstrip("/")
        return dispatch_act(
            self._directory,
            self._journal,
            clock,
            settings,
            self._look,
            self._makers.make,
            self._lines,
            TextDesk(Composer(clock), self._refs, self._directory, clock, base, short),
            Fetching(self._egress, clock),
        )

    def _open_makers(self) -> Makers:
        settings = self._settings
        here = maker.workshop(settings, self._clock, self._directory, self._look, self._refs, self._signers)
        environ = {**os.environ, **part.environment(settings), PARENT: str(os.getpid())}
        wanted = settings.making_processes
        return Makers(here.make, maker.COMMAND, environ, most=by_machine() if wanted < 0 else wanted)

    def _replayer(self) -> Replayer:
        return Replayer(
            journal=self._journal, reading=self._reading, loops=lambda: self.loops, clock=self._clock
        )

    def _means(self) -> Means:
        return Means(
            reading=self._looks,
            directory=self._directory,
            egress=self._egress,
            queues=self._queues,
            links=self._links,
            journal=self._journal,
            readers=self._readers,
            settings=self._settings,
            clock=self._clock,
            log=self._log,
            attempts=self._attempts,
            recent=self._recent,
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


if __name__ == "__main__":
    part.run("outbound", run)
