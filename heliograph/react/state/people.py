"""Who is who: people with several identities each, folded from everything that names somebody.

`portraits` says whom an event shows and `persons` how a row changes; this module finds whose row it is. A shop's
own number decides before an address, an address before a phone (RM-9): a known number with another address
renames, an unknown address without a number is somebody new, and who is named for the first time by an order
or a cart exists from then on (wire-facts 6.1). Each identity has one owner. Policies, automations and messages
ask `find` and `subjects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, or_, select, update

from heliograph.database import Query
from heliograph.events import subjects as references
from heliograph.events.consent import Channel, TrackingChosen
from heliograph.events.event import AnyEvent
from heliograph.events.people import DeviceRemoved, PersonDeleted, PersonErased, PersonMerged
from heliograph.journal.consumer import Erased, Fold
from heliograph.react.state import portraits, reading
from heliograph.react.state.persons import (
    COINCIDENCES,
    CURRENT,
    IDENTITIES,
    PERSONS,
    SINGLE,
    IdentityRow,
    PersonRow,
    absorb,
    choose_tracking,
    describe,
    new_person,
)
from heliograph.react.state.portraits import Identity, Portrait
from heliograph.react.state.rows import Rows, append
from heliograph.react.state.spelling import Spelling


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A person as state knows them. `document` is the customer in the wire form of S3, as last known; `created` and
    `updated` are when they were first and last told of, in microseconds."""

    id: str
    email: str | None
    customer_id: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None
    accepts_marketing: bool | None
    accepts_tracking: bool | None = None
    tags: tuple[str, ...]
    document: dict[str, Any]
    deleted: bool
    created: int = 0
    updated: int = 0


def find(
    connection: Connection,
    account: str,
    *,
    email: str | None = None,
    customer_id: str | None = None,
    phone: str | None = None,
    person: str | None = None,
) -> Person | None:
    """The person of the first of these that is known: their own id, a customer number, an address, a phone.
    Somebody who was merged into another is that other."""
    if person is not None and (found := _by_id(connection, account, person)):
        return found
    wanted = [("person", person)] if person else []
    wanted += [("customer", customer_id)] if customer_id else []
    wanted += (
        [("email", spelling) for spelling in Spelling(connection).forms(account, email)] if email else []
    )
    wanted += [("phone", phone)] if phone else []
    for kind, value in wanted:
        owner = _OWNER.value(connection, account=account, kind=kind, value=value)
        if owner is not None:
            return _by_id(connection, account, owner)
    return None


def at(connection: Connection, account: str, channel: Channel, address: str) -> Person | None:
    """Whom one reaches at an address on a channel: by mail, at a phone, on a device."""
    if channel == "email":
        return find(connection, account, email=address)
    kind = "phone" if channel == "sms" else "device"
    owner = _OWNER.value(connection, account=account, kind=kind, value=address)
    return None if owner is None else _by_id(connection, account, owner)


def subjects(connection: Connection, account: str, person_id: str) -> list[str]:
    """Every reference under which events of this person are recorded: their id, and all identities they have
    or had, unless somebody else has them now."""
    known = identities(connection, account, person_id)
    return [references.person(person_id), *(references.thing(one.kind, one.value) for one in known)]


class Coincidence(NamedTuple):
    """An event showed `person` with an identity of this kind that had been `other`'s."""

    event: str
    person: str
    other: str
    kind: str


def coincidences(connection: Connection, events: Sequence[str]) -> list[Coincidence]:
    """What these events showed of two people who may be one."""
    found = connection.execute(_SHOWN, {"of_events": list(events)}) if events else ()
    return [Coincidence(row.event, row.person, row.other, row.kind) for row in found]


def page(connection: Connection, account: str, *, after: str = "", limit: int = 100) -> list[Person]:
    """People of an account in the order of their ids, which is that in which they came."""
    found = connection.execute(_PAGE, {"of_account": account, "after": after, "limit": limit})
    return [_person(row) for row in found]


class Known(NamedTuple):
    """An identity of a person: kind and value, since when and until when (microseconds; None: still)."""

    kind: str
    value: str
    since: int
    ended: int | None


def identities(connection: Connection, account: str, person_id: str) -> list[Known]:
    """Everything a person is or was known by; kind `person` are those who were merged into them."""
    rows = connection.execute(_IDENTITIES, {"of_account": account, "of_id": person_id})
    return [Known(*row) for row in rows]


def apply(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Fold a batch. Merging and erasing touch rows that no event names: what came before is written first."""
    for settling, run in groupby(events, lambda event: isinstance(event.data, PersonMerged | PersonErased)):
        if settling:
            for event in run:
                _settle(connection, event)
            continue
        normal = Spelling(connection).normal
        shown = [(event, who) for event in run if (who := portraits.portrait(event, normal)) is not None]
        book = _Book(connection)
        book.read([who for _, who in shown])
        for event, who in shown:
            _remember(book, event, who)
        book.write()


def _remember(book: _Book, event: AnyEvent, who: Portrait) -> None:
    at = reading.happened(event)
    row = book.find(who)
    if row is not None and who.only_if_new:
        return
    if isinstance(event.data, PersonDeleted):
        if row is not None and at >= row.updated:
            row.updated = row.deleted = at
            book.persons.put(row)
        return
    if isinstance(event.data, DeviceRemoved):
        if row is not None:
            book.end((event.account, "device", event.data.device), at)
        return
    if isinstance(event.data, TrackingChosen):
        if row is not None and choose_tracking(row, event.data.allowed, at):
            book.persons.put(row)
        return
    ties = who.ties
    if row is None:
        kinds = [kind for _, kind, _ in who.identities]
        if (not ties and "email" not in kinds) or (who.keyless and kinds[0] == "customer"):
            return  # a number that the shop has not told us of is nobody yet (S3, setCustomerId)
        row = new_person(event.account, event.id, at)
        book.persons.put(row)
        ties = True
    if ties:
        for key in who.identities:
            if not who.keyless or book.free(row, key):
                book.tie(row, key, at, event.id)
    if describe(row, who, at):
        book.persons.put(row)


class _Book:
    """The people and identities that one batch is about."""

    def __init__(self, connection: Connection) -> None:
        self.persons = Rows(connection, PERSONS, PersonRow)
        self.identities = Rows(connection, IDENTITIES, IdentityRow)
        self._connection = connection
        self._coincidences: list[tuple[str, str, str, str, str]] = []

    def read(self, shown: Sequence[Portrait]) -> None:
        """Read ahead: whom the first identity of each portrait finds, and what of the others is not theirs yet."""
        self._read([who.identities[0] for who in shown])
        others: list[Identity] = []
        for who in shown:
            row = self._owner(who.identities[0])
            others += [key for key in who.identities[1:] if row is None or not _shows(row, key)]
        self._read(others)

    def _read(self, keys: list[Identity]) -> None:
        self.identities.read(keys)
        owners = [self.identities.get(key) for key in keys]
        self.persons.read([(owner.person,) for owner in owners if owner is not None])

    def write(self) -> None:
        self.persons.write()
        self.identities.write()
        append(self._connection, COINCIDENCES, self._coincidences)

    def find(self, who: Portrait) -> PersonRow | None:
        deciding = who.identities[:1] if who.keyless else who.identities
        return next((row for key in deciding if (row := self._owner(key)) is not None), None)

    def _owner(self, key: Identity) -> PersonRow | None:
        account, kind, value = key
        if kind == "person" and (own := self.persons.get((value,))) is not None and own.account == account:
            return own
        identity = self.identities.get(key)
        return (
            self.persons.get((identity.person,)) if identity is not None and identity.ended is None else None
        )

    def tie(self, row: PersonRow, key: Identity, at: int, event: str) -> None:
        """Make an identity this person's. What is older than the newest word on them moves nothing: it is kept
        as one that they had, where nobody else has it."""
        if _shows(row, key):
            return
        account, kind, value = key
        identity = self.identities.get(key)
        fresh = at >= row.updated
        own = identity is not None and identity.ended is None and identity.person == row.id
        if identity is not None and not own and not fresh:
            return
        field = CURRENT.get(kind)
        held = getattr(row, field) if field else None
        if not own:
            former = kind in SINGLE and held is not None and not fresh
            if identity is not None and identity.ended is None and field is not None:
                self._take(identity, field)
                self._coincidences.append((event, identity.person, account, row.id, kind))
            self.identities.put(IdentityRow(*key, row.id, at, at if former else None))
            if kind in SINGLE and held is not None and fresh:
                self.end((account, kind, held), at)
        if field is not None and held != value and (fresh or held is None):
            setattr(row, field, value)
            self.persons.put(row)

    def free(self, row: PersonRow, key: Identity) -> bool:
        """Whether an identity is nobody's, nor the person's to be replaced."""
        field = CURRENT.get(key[1])
        return self._owner(key) is None and (field is None or getattr(row, field) is None)

    def end(self, key: Identity, at: int) -> None:
        """The identity is nobody's any more."""
        identity = self.identities.get(key)
        if identity is not None and identity.ended is None:
            identity.ended = at
            self.identities.put(identity)

    def _take(self, identity: IdentityRow, field: str) -> None:
        """Whoever has the identity has it no more."""
        loser = self.persons.get((identity.person,))
        if loser is not None and getattr(loser, field) == identity.value:
            setattr(loser, field, None)
            self.persons.put(loser)


def _shows(row: PersonRow, key: Identity) -> bool:
    """Whether an identity is the person's current one, as their row alone can tell."""
    field = CURRENT.get(key[1])
    return field is not None and getattr(row, field) == key[2]


def _settle(connection: Connection, event: AnyEvent) -> None:
    if isinstance(event.data, PersonMerged):
        _merge(connection, event.account, event.data.person, event.data.other, reading.happened(event))
    elif isinstance(event.data, PersonErased):
        _erase(connection, event.account, event.data.person)


def _merge(connection: Connection, account: str, person: str, other: str, at: int) -> None:
    """`other` is now `person`: what is not known is taken over, identities move, and the other's id is one. Either
    may have been merged before: then it is about whoever they are now."""
    person, other = _now(connection, account, person), _now(connection, account, other)
    persons = Rows(connection, PERSONS, PersonRow)
    persons.read([(person,), (other,)])
    row, gone = persons.get((person,)), persons.get((other,))
    if row is None or gone is None or row is gone or {row.account, gone.account} != {account}:
        return
    absorb(row, gone)
    persons.put(row)
    persons.remove((other,))
    persons.write()
    connection.execute(update(IDENTITIES).where(IDENTITIES.c.person == other).values(person=person))
    append(connection, IDENTITIES, [(account, "person", other, person, at, None)])


def _now(connection: Connection, account: str, person: str) -> str:
    return _OWNER.value(connection, account=account, kind="person", value=person) or person


def forget(connection: Connection, erased: Erased) -> None:
    """Nobody is known by any of their identities (STD-7)."""
    _erase(connection, erased.account, erased.person)


def _erase(connection: Connection, account: str, person: str) -> None:
    """Nothing of them remains, as if the journal were replayed after their events were redacted (STD-7)."""
    connection.execute(
        delete(IDENTITIES).where(IDENTITIES.c.account == account, IDENTITIES.c.person == person)
    )
    connection.execute(delete(PERSONS).where(PERSONS.c.account == account, PERSONS.c.id == person))
    shown = or_(COINCIDENCES.c.person == person, COINCIDENCES.c.other == person)
    connection.execute(delete(COINCIDENCES).where(COINCIDENCES.c.account == account, shown))


def _by_id(connection: Connection, account: str, person_id: str) -> Person | None:
    found = _PERSON.row(connection, of_account=account, of_id=person_id)
    return _person(found) if found is not None else None


def _person(found: Sequence[Any]) -> Person:
    told = dict(zip(Person.__struct_fields__, found, strict=True))
    return Person(**{**told, "tags": tuple(told["tags"]), "deleted": told["deleted"] is not None})


_COLUMNS = [PERSONS.c[name] for name in Person.__struct_fields__]
_PERSON = Query(
    select(*_COLUMNS).where(PERSONS.c.id == bindparam("of_id"), PERSONS.c.account == bindparam("of_account"))
)

_PAGE = (
    select(*_COLUMNS)
    .where(PERSONS.c.account == bindparam("of_account"), PERSONS.c.id > bindparam("after"))
    .order_by(PERSONS.c.id)
    .limit(bindparam("limit"))
)

_IDENTITIES = (
    select(IDENTITIES.c.kind, IDENTITIES.c.value, IDENTITIES.c.since, IDENTITIES.c.ended)
    .where(IDENTITIES.c.account == bindparam("of_account"), IDENTITIES.c.person == bindparam("of_id"))
    .order_by(IDENTITIES.c.kind, IDENTITIES.c.value)
)

_SHOWN = (
    select(COINCIDENCES)
    .where(COINCIDENCES.c.event.in_(bindparam("of_events", expanding=True)))
    .order_by(COINCIDENCES.c.event, COINCIDENCES.c.other)
)

_OWNER = Query(
    select(IDENTITIES.c.person).where(
        IDENTITIES.c.account == bindparam("account"),
        IDENTITIES.c.kind == bindparam("kind"),
        IDENTITIES.c.value == bindparam("value"),
        IDENTITIES.c.ended.is_(None),
    )
)

FOLD = Fold(
    name="people",
    kinds=portraits.KINDS | {PersonMerged.kind, PersonErased.kind},
    tables=(PERSONS, IDENTITIES, COINCIDENCES),
    apply=apply,
    forget=forget,
)
