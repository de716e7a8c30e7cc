"""A person's row and how it changes: the tables of people, and the pure rules of who knows better.

What is newer wins, field by field; what is older than the newest word on a person only fills what nobody has
said yet. A null or a blank says nothing: shops send null for what they do not know (RM-23). Carts repeat the same
customer again and again, so a repeat is recognised by its digest and costs next to nothing.
`people` decides whose row it is.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, String, Table

from heliograph.database import METADATA
from heliograph.events.people import Customer, flag, gender, tag_list
from heliograph.react.state import reading
from heliograph.react.state.portraits import Portrait

GRAIN = 60_000_000
"""Microseconds by which a mere repeat must be newer to be written down."""

PERSONS = Table(
    "persons",
    METADATA,
    Column("id", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("email", String),
    Column("customer_id", String),
    Column("phone", String),
    Column("first_name", String),
    Column("last_name", String),
    Column("gender", String(1)),
    Column("accepts_marketing", Boolean),
    Column("accepts_tracking", Boolean),
    Column("tracking_at", BigInteger),
    Column("tags", JSON, nullable=False),
    Column("document", JSON, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("deleted", BigInteger),
    Column("said", BigInteger),
    Index(None, "account", "created", "id"),
)
"""A person's id is the id of the event that first named them, so that a replay finds the same ids.
`email`, `customer_id` and `phone` are the current ones; all there ever were are in `identities`.
`accepts_tracking` is what they said of it themselves at `tracking_at`, else (None) what their shop says.
`said` is the digest of the newest word on them."""

IDENTITIES = Table(
    "identities",
    METADATA,
    Column("account", String(12), primary_key=True),
    Column("kind", String(8), primary_key=True),
    Column("value", String, primary_key=True),
    Column("person", String(36), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("ended", BigInteger),
    Index(None, "person"),
    sqlite_with_rowid=False,
)
"""Each e-mail address, customer number, phone and device has one owner, and so has the id of a person who was
merged into another (kind `person`). An ended identity finds nobody any more; it stays so that what is recorded
under it is still known to be theirs."""


COINCIDENCES = Table(
    "coincidences",
    METADATA,
    Column("event", String(36), primary_key=True),
    Column("other", String(36), primary_key=True),
    Column("account", String(12), nullable=False),
    Column("person", String(36), nullable=False),
    Column("kind", String(8), nullable=False),
    sqlite_with_rowid=False,
)
"""Events that showed two people under one roof: what was `other`'s (an identity of this kind) is `person`'s from
then on. Whether the two are one is not for a fold to say: `heliograph.react.identities` decides."""


class PersonRow(msgspec.Struct, gc=False):
    """A row of `persons`; tags and document are JSON text."""

    id: str
    account: str
    email: str | None
    customer_id: str | None
    phone: str | None
    first_name: str | None
    last_name: str | None
    gender: str | None
    accepts_marketing: bool | None
    accepts_tracking: bool | None
    tracking_at: int | None
    tags: str
    document: str
    created: int
    updated: int
    deleted: int | None
    said: int | None


class IdentityRow(msgspec.Struct, gc=False):
    """A row of `identities`."""

    account: str
    kind: str
    value: str
    person: str
    since: int
    ended: int | None


SINGLE = {"email": "email", "phone": "phone"}
"""Kinds of which a person has one at a time: the next one ends it. Numbers and devices may be several."""

CURRENT = {**SINGLE, "customer": "customer_id"}
"""Where a person's row shows the current identity of a kind."""


def new_person(account: str, person_id: str, at: int) -> PersonRow:
    """Somebody of whom nothing is known but that they exist."""
    return PersonRow(
        id=person_id,
        account=account,
        email=None,
        customer_id=None,
        phone=None,
        first_name=None,
        last_name=None,
        gender=None,
        accepts_marketing=None,
        accepts_tracking=None,
        tracking_at=None,
        tags="[]",
        document="{}",
        created=at,
        updated=at,
        deleted=None,
        said=None,
    )


def describe(row: PersonRow, shown: Portrait, at: int) -> bool:
    """Draw what an event says of a person into their row; whether the row is to be written."""
    customer = shown.customer
    if customer is None:
        return False
    fresh, digest = at >= row.updated, _digest(shown)
    repeated = digest == row.said or not _draw(row, customer, shown, fresh)
    if repeated and (not fresh or (row.deleted is None and at - row.updated < GRAIN)):
        return False
    if fresh:
        row.updated, row.deleted, row.said = at, None, digest
    return True


def _draw(row: PersonRow, customer: Customer, shown: Portrait, fresh: bool) -> bool:
    changed = False
    accepts, sent = shown.accepts_marketing, msgspec.json.decode(shown.sent)
    if shown.keyless and accepts and row.accepts_marketing == 0:  # as the database says no
        accepts = None
        sent.pop("accepts_marketing", None)
    said = {
        "first_name": customer.first_name or None,
        "last_name": customer.last_name or None,
        "gender": gender(customer.gender),
        "accepts_marketing": accepts,
        "accepts_tracking": flag(customer.accepts_tracking) if row.tracking_at is None else None,
    }
    tags = tag_list(customer.tags)
    if tags is not None and (fresh or row.tags == "[]"):
        said["tags"] = _tags(row.tags, tags, append=flag(customer.append_tags) is True)
    for name, value in said.items():
        known = getattr(row, name)
        if value is not None and value != known and (fresh or known is None or name == "tags"):
            setattr(row, name, value)
            changed = True
    document = _document(row, sent, fresh)
    changed = changed or document != row.document
    row.document = document
    return changed


def choose_tracking(row: PersonRow, allowed: bool, at: int) -> bool:
    """A person's own word on being tracked; the newest counts. Whether it is news."""
    if row.tracking_at is not None and at < row.tracking_at:
        return False
    row.accepts_tracking, row.tracking_at = allowed, at
    return True


def absorb(row: PersonRow, other: PersonRow) -> None:
    """Take over from a person who turned out to be the same what is not known of this one. Who refused to be
    tracked under either name has refused."""
    if row.accepts_tracking is None or other.accepts_tracking is False:
        row.accepts_tracking, row.tracking_at = other.accepts_tracking, other.tracking_at
    for name in ("email", "customer_id", "phone", "first_name", "last_name", "gender", "accepts_marketing"):
        if getattr(row, name) is None:
            setattr(row, name, getattr(other, name))
    tags = [*msgspec.json.decode(row.tags), *msgspec.json.decode(other.tags)]
    row.tags = _json(list(dict.fromkeys(tags)))
    row.document = _json({**msgspec.json.decode(other.document), **msgspec.json.decode(row.document)})
    row.created = min(row.created, other.created)


def _digest(shown: Portrait) -> int:
    said = shown.sent + b"%d%d" % (_ANSWERS[shown.accepts_marketing], shown.keyless)
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big", signed=True)


def _tags(old: str, said: list[str], *, append: bool) -> str:
    """RM-9: `append_tags` adds to what there is, else what is said is all there is."""
    return _json(list(dict.fromkeys([*msgspec.json.decode(old), *said])) if append else said)


def _document(row: PersonRow, said: dict[str, Any], fresh: bool) -> str:
    """The customer in the wire form of S3 as last known: fields that are not said stay as they were."""
    merged = reading.overlaid(row.document, said, fresh=fresh)
    for how in ("append_tags", "update_existing"):
        merged.pop(how, None)
    if "tags" in merged:
        merged["tags"] = msgspec.Raw(row.tags.encode())
    return _json(merged)


_ANSWERS = {None: 0, True: 1, False: 2}


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
