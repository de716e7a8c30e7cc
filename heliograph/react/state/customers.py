"""People as lists show them: which identities are known, and the shop's customers page by page.

Reads what `people` and `consent` have folded; writes nothing. The contacts API asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, select

from heliograph.clock import to_datetime
from heliograph.react.state import people
from heliograph.react.state.consent import OPT_INS, SUPPRESSIONS
from heliograph.react.state.persons import IDENTITIES, PERSONS

CHUNK = 500
"""Values in one statement."""

Identity = tuple[str, str]
"""The kind of an identity (`email`, `phone`, `customer`) and its normal form."""

Customer = dict[str, Any]
"""A person as S3 describes a customer, in normal forms; `hash` is the person's id, `accepts_marketing` what holds
now, `suppressions` the reasons for which the address is not written to."""


def known(connection: Connection, account: str, wanted: Iterable[Identity]) -> set[Identity]:
    """Which of these identities somebody has."""
    by_kind: dict[str, list[str]] = {}
    for kind, value in wanted:
        by_kind.setdefault(kind, []).append(value)
    found: set[Identity] = set()
    for kind, values in by_kind.items():
        for part in _chunks(values):
            asked = {"of_account": account, "of_kind": kind, "of_values": part}
            found.update((kind, value) for value in connection.scalars(_KNOWN, asked))
    return found


def page(connection: Connection, account: str, *, offset: int, limit: int) -> list[Customer]:
    """So many customers from a place on, in the order in which they became known; without those whom their shop
    has deleted."""
    asked = {"of_account": account, "from_place": offset, "at_most": limit}
    return _described(connection, account, connection.execute(_PAGE, asked).all())


def of_address(connection: Connection, account: str, email: str) -> Customer | None:
    """The customer of an address."""
    person = people.find(connection, account, email=email)
    if person is None or person.deleted:
        return None
    row = connection.execute(_ONE, {"of_account": account, "of_id": person.id}).all()
    return next(iter(_described(connection, account, row)), None)


def _described(connection: Connection, account: str, rows: Sequence[Row[Any]]) -> list[Customer]:
    addresses = [row.email for row in rows if row.email]
    answers: dict[str, bool | None] = {}
    reasons: dict[str, list[str]] = {}
    for part in _chunks(addresses):
        asked = {"of_account": account, "of_addresses": part}
        for answer in connection.execute(_ANSWERS, asked):
            answers[answer.address] = False if answer.own is None and answer.shop is False else answer.own
        for reason in connection.execute(_REASONS, asked):
            reasons.setdefault(reason.address, []).append(reason.type)
    return [_customer(row, answers.get(row.email), reasons.get(row.email, [])) for row in rows]


def _customer(row: Row[Any], accepts: bool | None, suppressions: list[str]) -> Customer:
    document: Customer = row.document
    return {
        **document,
        "hash": row.id,
        "id": row.customer_id,
        "email": row.email,
        "sms_phone_number_e164": row.phone,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "gender": row.gender,
        "tags": row.tags,
        "accepts_marketing": accepts,
        "suppressions": suppressions,
        "created_at": document.get("created_at") or _iso(row.created),
        "updated_at": document.get("updated_at") or _iso(row.updated),
    }


def shown(customers: Sequence[Customer], page: int, limit: int) -> bytes:
    """A page as clients of the API read it."""
    return msgspec.json.encode({"customers": customers, "page": page, "limit": limit})


def _iso(instant: int) -> str:
    return to_datetime(instant).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def _chunks(values: Sequence[str]) -> Iterable[Sequence[str]]:
    return (values[start : start + CHUNK] for start in range(0, len(values), CHUNK))


# Made once: putting a statement together costs several times what it costs to run it.
_KNOWN = select(IDENTITIES.c.value).where(
    IDENTITIES.c.account == bindparam("of_account"),
    IDENTITIES.c.kind == bindparam("of_kind"),
    IDENTITIES.c.value.in_(bindparam("of_values", expanding=True)),
    IDENTITIES.c.ended.is_(None),
)
_PAGE = (
    select(PERSONS)
    .where(PERSONS.c.account == bindparam("of_account"), PERSONS.c.deleted.is_(None))
    .order_by(PERSONS.c.created, PERSONS.c.id)
    .limit(bindparam("at_most"))
    .offset(bindparam("from_place"))
)
_ONE = select(PERSONS).where(PERSONS.c.account == bindparam("of_account"), PERSONS.c.id == bindparam("of_id"))
_ANSWERS = select(OPT_INS.c.address, OPT_INS.c.own, OPT_INS.c.shop).where(
    and_(
        OPT_INS.c.account == bindparam("of_account"),
        OPT_INS.c.channel == "email",
        OPT_INS.c.address.in_(bindparam("of_addresses", expanding=True)),
    )
)
_REASONS = (
    select(SUPPRESSIONS.c.address, SUPPRESSIONS.c.type)
    .where(
        SUPPRESSIONS.c.account == bindparam("of_account"),
        SUPPRESSIONS.c.channel == "email",
        SUPPRESSIONS.c.address.in_(bindparam("of_addresses", expanding=True)),
    )
    .order_by(SUPPRESSIONS.c.since, SUPPRESSIONS.c.type)
)
