"""Double opt-ins that wait for their confirmation: the proof of the wish, and not asking too often."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select

from heliograph.clock import SECOND
from heliograph.react.policies.rules import Place, Proof
from heliograph.react.policies.tables import OPTINS

ASK_AGAIN = 15 * 60 * SECOND
"""How long after a confirmation mail the same wish brings no other: anybody can type somebody's address."""


def ask(connection: Connection, account: str, place: Place, proof: Proof, now: int) -> bool:
    """Remember the wish; whether to ask for its confirmation now, or a mail is under way already."""
    row = connection.execute(select(OPTINS.c.asked_at).where(_is(account, place))).first()
    if row is not None and now - row.asked_at < ASK_AGAIN:
        return False
    connection.execute(delete(OPTINS).where(_is(account, place)))
    connection.execute(
        insert(OPTINS).values(
            account=account,
            channel=place.channel,
            address=place.address,
            requested_at=proof.requested_at,
            ip=proof.signup_ip,
            source=proof.source,
            asked_at=now,
        )
    )
    return True


def close(connection: Connection, account: str, place: Place) -> Proof | None:
    """The wish that was waiting, if any; it waits no more."""
    row = connection.execute(select(OPTINS).where(_is(account, place))).first()
    if row is None:
        return None
    connection.execute(delete(OPTINS).where(_is(account, place)))
    return Proof(requested_at=row.requested_at, signup_ip=row.ip, source=row.source)


def _is(account: str, place: Place) -> ColumnElement[bool]:
    return and_(
        OPTINS.c.account == account, OPTINS.c.channel == place.channel, OPTINS.c.address == place.address
    )
