"""Every account's tracking codes in the memory of one worker: whose a pixel is, without a query.

They are loaded again as they change (`RELOAD_SECONDS`): that is how soon one that was stopped records nothing more. One
that is not known is looked for at once, in state and in what the journal has that state does not know yet, so that a
code works on every worker the moment it is made. Invented ones cost `LOOKS` look-ups between two reloads and no more.
"""

from __future__ import annotations

import asyncio
import re

from sqlalchemy import Engine

from heliograph.clock import SECOND
from heliograph.events.definitions import CampaignCreated
from heliograph.events.event import AnyEvent
from heliograph.journal.journal import JournalView
from heliograph.journal.tail import Tail, folded_to
from heliograph.react.state import campaigns
from heliograph.react.state.campaigns import Campaign

RELOAD_SECONDS = 1.0
LOOKS = 20
TAIL_LIMIT = 10_000
"""Tracking codes that state does not know yet; more are waiting only while no engine runs."""

OVERLAP = 60 * SECOND
"""How far back changes are read again: what several processes record is not in the order of their clocks."""

_GUID = re.compile("[0-9a-z]{8}")


def is_guid(text: str) -> bool:
    """Whether this can be a tracking code's GUID (LIT-2)."""
    return _GUID.fullmatch(text) is not None


class Codes:
    """The tracking codes of all accounts. `engine` only reads."""

    def __init__(self, engine: Engine, journal: JournalView) -> None:
        self._engine = engine
        self._tail = Tail(journal, frozenset({CampaignCreated.kind}), _created, TAIL_LIMIT)
        self._known: dict[str, Campaign] = {}
        self._seen = 0
        self._looks = LOOKS
        self.reload()

    def known(self, guid: str) -> Campaign | None:
        """What is in memory; costs nothing."""
        return self._known.get(guid)

    async def find(self, guid: str) -> Campaign | None:
        """The tracking code of this GUID, looked for if need be. Raises `Unavailable` when the journal cannot be read."""
        found = self._known.get(guid)
        if found is not None or not is_guid(guid) or self._looks <= 0:
            return found
        self._looks -= 1
        position, found = await asyncio.to_thread(self._look, guid)
        if found is None:
            found = await self._tail.find(guid, position)
        if found is not None:
            self._known.setdefault(guid, found)
        return self._known.get(guid)

    def reload(self) -> None:
        """Take in what has changed."""
        with self._engine.connect() as connection:
            changed = campaigns.changed(connection, self._seen - OVERLAP)
        self._known.update((campaign.guid, campaign) for campaign in changed)
        self._seen = max((campaign.changed for campaign in changed), default=self._seen)
        self._looks = LOOKS

    def _look(self, guid: str) -> tuple[int, Campaign | None]:
        with self._engine.connect() as connection:
            return folded_to(connection, campaigns.FOLD.name), campaigns.find(connection, guid)


def _created(event: AnyEvent) -> tuple[str, Campaign] | None:
    data = event.data
    return (data.guid, campaigns.made(event)) if isinstance(data, CampaignCreated) else None
