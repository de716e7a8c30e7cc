"""What became of the erasures that were asked for, so that whoever asked can look (STD-7).

A request is kept under the id of its event; it is done when the engine says that the person is erased. Nothing of
the person is in here but their id, which leads to nobody any more. The operators' API and the command line ask
`find`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Integer, String, Table, bindparam, select, update
from sqlalchemy.dialects.sqlite import insert

from heliograph.database import METADATA
from heliograph.events.event import AnyEvent
from heliograph.events.people import ErasureRequested, PersonErased
from heliograph.journal.consumer import Fold

ERASURES = Table(
    "erasures",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("person", String(36), nullable=False, index=True),
    Column("requested", BigInteger, nullable=False),
    Column("finished", BigInteger),
    Column("events", Integer, nullable=False),
    Column("mentions", Integer, nullable=False),
)
"""`requested` and `finished` in microseconds; `events` and `mentions` as in `person.erased`."""


class Erasure(msgspec.Struct, frozen=True, kw_only=True):
    """An erasure that was asked for. Instants in microseconds; `finished` is None while it is under way."""

    id: str
    account: str
    person: str
    requested: int
    finished: int | None
    events: int
    mentions: int

    @property
    def state(self) -> Literal["requested", "done"]:
        """Whether nothing of the person is left."""
        return "requested" if self.finished is None else "done"


def find(connection: Connection, account: str, erasure: str) -> Erasure | None:
    """The erasure of this id, if it is this account's."""
    row = connection.execute(_FIND, {"of_id": erasure, "of_account": account}).one_or_none()
    return Erasure(**row._mapping) if row is not None else None


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch."""
    for event in events:
        match event.data:
            case ErasureRequested(person=person):
                row = {"id": event.id, "account": event.account, "person": person}
                counts = {"requested": event.recorded, "finished": None, "events": 0, "mentions": 0}
                connection.execute(_REQUESTED, {**row, **counts})
            case PersonErased(person=person, events=blanked, mentions=mentions):
                done = {"of_person": person, "of_account": event.account, "upto": event.recorded}
                connection.execute(
                    _DONE, {**done, "at": event.recorded, "blanked": blanked, "mentioned": mentions}
                )
            case _:
                pass


_FIND = select(ERASURES).where(
    ERASURES.c.id == bindparam("of_id"), ERASURES.c.account == bindparam("of_account")
)
_REQUESTED = insert(ERASURES).on_conflict_do_nothing()
_DONE = (
    update(ERASURES)
    .where(
        ERASURES.c.person == bindparam("of_person"),
        ERASURES.c.account == bindparam("of_account"),
        ERASURES.c.requested <= bindparam("upto"),
        ERASURES.c.finished.is_(None),
    )
    .values(finished=bindparam("at"), events=bindparam("blanked"), mentions=bindparam("mentioned"))
)

FOLD = Fold(
    name="erasures",
    kinds=frozenset((ErasureRequested.kind, PersonErased.kind)),
    tables=(ERASURES,),
    apply=apply,
)
