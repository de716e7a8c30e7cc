"""The act that erases: `erasure.requested` -> nothing of the person is left, and it is said so (STD-7, STD-8).

In this order, so that it can be begun again wherever it was cut short: the journal is blanked, and what others say
there of the person gets a pseudonym; everything that folds and reactions had already read is waited for, and the
journal is looked through again, until nothing new has come of it; a suppression of type `deleted` is put under a
keyed hash of each address, so that nobody is mailed by accident (RM-12); state forgets; the write-ahead log is
emptied; the identities go last. Then `person.erased` is recorded, which is what `react.state.erasures` shows.

What feeds and dispatch still have to send is read from the journal when it is sent, so it is erased there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from sqlalchemy import Connection, Engine

from heliograph.accounts.erasure import erased_form
from heliograph.clock import Clock
from heliograph.database import empty_wal
from heliograph.events import codec, definitions, subjects
from heliograph.events.consent import Channel, SuppressionAdded
from heliograph.events.event import AnyEvent, Entry, Event
from heliograph.events.people import ErasureRequested, PersonErased
from heliograph.journal.consumer import Act, Delivered, Erased, Outcome, Skipped
from heliograph.journal.journal import Journal, Rewrite
from heliograph.journal.loops import Loops
from heliograph.privacy import sweeping
from heliograph.privacy.whose import entries, is_theirs, whose
from heliograph.privacy.words import Mask
from heliograph.react.automations import caps, runs
from heliograph.react.state import erasures, people
from heliograph.react.state.folds import FOLDS

ROUNDS = 5
"""How often the journal is looked through at most: who goes on shopping meanwhile comes as somebody new."""

CHANNELS: dict[str, Channel] = {"email": "email", "phone": "sms", "device": "push"}

OPERATORS = frozenset(
    kind.kind
    for kind in (
        definitions.TemplateSaved,
        definitions.AutomationSaved,
        definitions.FeedSaved,
        definitions.CampaignCreated,
    )
)
"""What operators wrote is theirs, whosever address stands in it."""


Forget = Callable[[Erased, Sequence[str], Mask], Awaitable[None]]
"""Has another store forget somebody: who it is, the ids of their events, and the words that name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Eraser:
    """Performs the act. `reading` and `state` are engines on one state, `loops` what runs on it; `elsewhere` what
    forgets beside journal and state (`heliograph.privacy.queues`), before state does."""

    journal: Journal
    clock: Clock
    reading: Engine
    state: Engine
    loops: Callable[[], Loops]
    elsewhere: tuple[Forget, ...] = ()

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Erase whom this event names, unless they are erased."""
        if not isinstance(event.data, ErasureRequested):
            return Skipped()
        order = cast(Event[ErasureRequested], event)
        if await asyncio.to_thread(self._is_done, event):
            return Skipped()
        whom = await whose(self.journal, self.reading, event.account, event.data.person)
        mask = Mask(whom)
        mentions = await self._blank_journal(whom, mask)
        blanked = [entry async for entry in entries(self.journal, whom.account, [_place(whom)])]
        await self._keep_suppressions(order, whom)
        for forget in self.elsewhere:
            await forget(whom, [entry.id for entry in blanked], mask)
        await self._forget(whom, mask, blanked)
        events = sum(entry.data == codec.REDACTED for entry in blanked)
        done = PersonErased(person=whom.person, events=events, mentions=mentions)
        await self._record(codec.follow(event, done, now=self.clock.now()))
        return Delivered(f"{events} events of {whom.person}, {mentions} mentions")

    def _is_done(self, event: AnyEvent) -> bool:
        with self.reading.connect() as connection:
            known = erasures.find(connection, event.account, event.id)
        return known is not None and known.finished is not None

    async def _blank_journal(self, whom: Erased, mask: Mask) -> int:
        """Blank what is theirs until nothing more comes; how often others had mentioned them."""
        mentions = 0
        for _ in range(ROUNDS):
            changed = await self.journal.redact(
                whom.references, account=whom.account, replacement=_place(whom)
            )
            changes = [change async for change in self._mentions(whom, mask)]
            mentions += sum(change.subject != _place(whom) for change in changes)
            changed += await self.journal.rewrite(changes, account=whom.account)
            await self.loops().forget()
            await self.loops().passed(await self.journal.head())
            if changed == 0:
                break
        return mentions

    async def _mentions(self, whom: Erased, mask: Mask) -> AsyncIterator[Rewrite]:
        """What to make of each entry in which one of their addresses stands: nothing, if it is about them."""
        for seq in await self.journal.mentions(mask.words, account=whom.account):
            entry = await self._entry(seq)
            if entry is None or entry.kind in OPERATORS or entry.subject == _place(whom):
                continue
            masked = mask.data(entry.data)
            if masked != entry.data:
                if is_theirs(codec.decode(entry), whom):
                    yield Rewrite(seq, _place(whom), codec.REDACTED)
                else:
                    yield Rewrite(seq, entry.subject, masked)

    async def _entry(self, seq: int) -> Entry | None:
        found = await self.journal.read(seq - 1, limit=1)
        return found[0] if found and found[0].seq == seq else None

    async def _keep_suppressions(self, event: Event[ErasureRequested], whom: Erased) -> None:
        with self.reading.connect() as connection:
            kept = _remaining(connection, whom)
        for data in kept:
            parts = (data.channel, data.address)
            await self._record(codec.follow(event, data, *parts, now=self.clock.now()))
        await self.loops().passed(await self.journal.head())

    async def _forget(self, whom: Erased, mask: Mask, blanked: list[Entry]) -> None:
        """Have state say nothing of them."""
        run = self.loops().writer.run
        await run(partial(_forget_rows, whom=whom, events=[entry.id for entry in blanked]))
        for _ in range(ROUNDS):
            rows = await asyncio.to_thread(self._speaking, whom, mask)
            if not rows:
                break
            await run(partial(sweeping.silence, rows=rows, mask=mask))
        await run(partial(people.forget, erased=whom))
        for _ in range(ROUNDS):  # it is emptied again and again anyway: this is only for being sure sooner
            await asyncio.to_thread(empty_wal, self.state)

    def _speaking(self, whom: Erased, mask: Mask) -> list[sweeping.Row]:
        with self.reading.connect() as connection:
            return sweeping.speaking(connection, sweeping.tables(connection), whom.account, mask)

    async def _record(self, event: AnyEvent) -> None:
        await self.journal.append_once([codec.encode(event)])


def erasure_act(eraser: Eraser) -> Act:
    """The act."""
    return Act(
        name="erasure",
        kinds=frozenset((ErasureRequested.kind,)),
        perform=eraser.perform,
        concurrency=1,
        since=0,  # what was asked for before there was this act is still owed
    )


def _place(whom: Erased) -> str:
    """The subject of everything that was theirs."""
    return subjects.thing("erased", whom.person)


def _remaining(connection: Connection, whom: Erased) -> list[SuppressionAdded]:
    kept: list[SuppressionAdded] = []
    for scheme, channel in CHANNELS.items():
        for value in whom.values(scheme):
            if hashed := erased_form(connection, whom.account, channel, value):
                why = "erased on request"
                kept.append(SuppressionAdded(channel=channel, address=hashed, type="deleted", reason=why))
    return kept


def _forget_rows(connection: Connection, whom: Erased, events: list[str]) -> None:
    sweeping.drop_events(connection, sweeping.tables(connection), events)
    runs.erase(connection, whom.account, whom.person)
    caps.erase(connection, whom.account, whom.person)
    for fold in FOLDS:
        if fold.forget is not None and fold.name != people.FOLD.name:
            fold.forget(connection, whom)
