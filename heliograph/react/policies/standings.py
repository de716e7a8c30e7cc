"""Where places stand at the event that is being decided: all that was decided before it, and what others announced.

Without this two unsubscribes in a row would both find the address free and announce it twice. What we announced
ourselves counts from its decision on, so it is passed over when it comes round through the journal (`is_ours`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from heliograph.events.event import AnyEvent, derived_id
from heliograph.react.policies.rules import Consequence, Place, Standing, applied
from heliograph.react.policies.tables import STANDINGS

CHUNK = 200  # addresses in one statement

Where = tuple[str, Place]
"""A place of an account."""


class Standings:
    """The standings of one transaction of state. `write` at its end."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[Where, Standing] = {}
        self._changed: dict[Where, None] = {}

    def expect(self, wanted: Iterable[Where]) -> None:
        """Read these at once, where they are not known yet."""
        missing = [where for where in dict.fromkeys(wanted) if where not in self._known]
        for account, channel, places in _grouped(missing):
            found = {place: Standing() for place in places}
            for row in self._connection.execute(_STANDINGS, _of(account, channel, places)):
                place = Place(row.channel, row.address)
                found[place] = Standing(row.suppressions, row.opt_in, row.said_at)
            self._known.update({(account, place): standing for place, standing in found.items()})

    def of(self, account: str, place: Place) -> Standing:
        """Where a place stands now."""
        self.expect([(account, place)])
        return self._known[account, place]

    def apply(self, account: str, place: Place, consequence: Consequence, at: int) -> None:
        """Take into account what was decided, or announced by somebody else."""
        self._known[account, place] = applied(self.of(account, place), consequence, at)
        self._changed[account, place] = None

    def write(self) -> None:
        """Remember what has changed."""
        for account, channel, places in _grouped(list(self._changed)):
            self._connection.execute(_FORGET, _of(account, channel, places))
            rows = [
                {"account": account, **place._asdict(), **self._known[account, place]._asdict()}
                for place in places
            ]
            self._connection.execute(insert(STANDINGS), rows)
        self._changed.clear()


def parts(name: str, consequence: Consequence) -> tuple[str, str, str, str]:
    """From what the id of a consequence is derived, beside its cause and kind; `name` is ours."""
    return name, consequence.channel, consequence.address, getattr(consequence, "type", "")


def is_ours(event: AnyEvent, name: str, consequence: Consequence) -> bool:
    """Whether we announced this."""
    return event.cause is not None and event.id == derived_id(
        event.cause, event.kind, *parts(name, consequence)
    )


def _grouped(wanted: Sequence[Where]) -> Iterable[tuple[str, str, list[Place]]]:
    groups: dict[tuple[str, str], list[Place]] = {}
    for account, place in wanted:
        groups.setdefault((account, place.channel), []).append(place)
    for (account, channel), places in groups.items():
        for start in range(0, len(places), CHUNK):
            yield account, channel, places[start : start + CHUNK]


def _of(account: str, channel: str, places: Sequence[Place]) -> dict[str, object]:
    return {
        "of_account": account,
        "of_channel": channel,
        "of_addresses": [place.address for place in places],
    }


# Made once: putting a statement together costs several times what it costs to run it.
_AT = and_(
    STANDINGS.c.account == bindparam("of_account"),
    STANDINGS.c.channel == bindparam("of_channel"),
    STANDINGS.c.address.in_(bindparam("of_addresses", expanding=True)),
)
_STANDINGS = select(STANDINGS).where(_AT)
_FORGET = delete(STANDINGS).where(_AT)
