"""Where places stand, as one batch of decisions sees it: what consent's fold has of announced events, and on top
of it what was decided already but may not have come round through the journal yet.

Without the second part two unsubscribes in a row would both find the address free and announce it twice. Of the
fold's opt-in only a person's own word counts: what orders and carts say decides nothing here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from sqlalchemy import Connection, Table, delete, func, insert, select
from sqlalchemy.sql import ColumnElement

from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SuppressionAdded,
    SuppressionRemoved,
    SuppressionType,
)
from heliograph.events.event import Event
from heliograph.react.policies.rules import Consequence, Place, Standing, applied
from heliograph.react.policies.tables import PENDING
from heliograph.react.state import reading
from heliograph.react.state.consent import CONSENT_LOG, OPT_INS, SUPPRESSIONS

CHUNK = 200  # addresses, or ids, in one statement


class Standings:
    """The standings of one transaction of state."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, Place], Standing] = {}

    def forget(self, came_round: Sequence[str]) -> None:
        """These events are folded: consent's own state has them from now on."""
        for start in range(0, len(came_round), CHUNK):
            ids = came_round[start : start + CHUNK]
            self._connection.execute(delete(PENDING).where(PENDING.c.event.in_(ids)))

    def expect(self, wanted: Iterable[tuple[str, Place]]) -> None:
        """Read the standings of these places of accounts at once, where they are not known yet."""
        groups: dict[tuple[str, str], dict[Place, None]] = {}
        for account, place in wanted:
            if (account, place) not in self._known:
                groups.setdefault((account, place.channel), {})[place] = None
        for (account, channel), group in groups.items():
            places = list(group)
            for start in range(0, len(places), CHUNK):
                self._read(account, channel, places[start : start + CHUNK])

    def of(self, account: str, place: Place) -> Standing:
        """Where a place stands now."""
        self.expect([(account, place)])
        return self._known[account, place]

    def decide(self, event: Event[Consequence]) -> None:
        """Take a decision into account, in this batch and until it has come round."""
        data = event.data
        place = Place(data.channel, data.address)
        self._known[event.account, place] = applied(self.of(event.account, place), data, event.at)
        self._connection.execute(
            insert(PENDING).values(
                event=event.id,
                account=event.account,
                channel=place.channel,
                address=place.address,
                kind=data.kind,
                type=_type(data),
                at=event.at,
            )
        )

    def _read(self, account: str, channel: str, places: Sequence[Place]) -> None:
        meant: dict[str, list[Place]] = {}
        for place in places:
            for spelling in reading.spellings(place.address) if channel == "email" else [place.address]:
                meant.setdefault(spelling, []).append(place)
        found = dict.fromkeys(places, Standing())
        for address, change in self._folded(account, channel, list(meant)):
            for place in meant[address]:
                found[place] = change(found[place])
        pending = select(PENDING).where(*_at(PENDING, account, channel, list(meant))).order_by(PENDING.c.n)
        for row in self._connection.execute(pending):
            place = Place(row.channel, row.address)
            if place in found:
                found[place] = applied(found[place], _consequence(place, row.kind, row.type), row.at)
        self._known.update({(account, place): standing for place, standing in found.items()})

    def _folded(
        self, account: str, channel: str, addresses: list[str]
    ) -> Iterator[tuple[str, Callable[[Standing], Standing]]]:
        run = self._connection.execute
        added, own, log = SUPPRESSIONS.c, OPT_INS.c, CONSENT_LOG.c
        suppressed = select(added.address, added.type, added.since)
        for address, kind, since in run(suppressed.where(*_at(SUPPRESSIONS, account, channel, addresses))):
            yield address, partial(_suppressed, kind, since)
        words = select(own.address, own.own).where(*_at(OPT_INS, account, channel, addresses))
        for address, word in run(words.where(own.own.is_not(None))):
            yield address, partial(_answered, word)
        said = select(log.address, func.max(log.at)).where(*_at(CONSENT_LOG, account, channel, addresses))
        for address, at in run(said.where(log.kind.in_(_WORDS)).group_by(log.address)):
            yield address, partial(_said, at)


_WORDS = (ConsentGranted.kind, ConsentWithdrawn.kind)


def _at(
    table: Table, account: str, channel: str, addresses: list[str]
) -> tuple[ColumnElement[bool], ColumnElement[bool], ColumnElement[bool]]:
    return table.c.account == account, table.c.channel == channel, table.c.address.in_(addresses)


def _suppressed(kind: str, since: int, standing: Standing) -> Standing:
    return standing._replace(suppressions={**standing.suppressions, kind: since})


def _answered(word: bool, standing: Standing) -> Standing:
    return standing._replace(opt_in=word and standing.opt_in is not False)  # the stricter of two spellings


def _said(at: int, standing: Standing) -> Standing:
    return standing._replace(said_at=max(at, standing.said_at))


def _consequence(place: Place, kind: str, type: SuppressionType) -> Consequence:
    if kind == ConsentGranted.kind:
        return ConsentGranted(channel=place.channel, address=place.address, requested_at=0)
    if kind == ConsentWithdrawn.kind:
        return ConsentWithdrawn(channel=place.channel, address=place.address)
    suppression = SuppressionAdded if kind == SuppressionAdded.kind else SuppressionRemoved
    return suppression(channel=place.channel, address=place.address, type=type)


def _type(data: Consequence) -> str:
    return data.type if isinstance(data, SuppressionAdded | SuppressionRemoved) else ""
