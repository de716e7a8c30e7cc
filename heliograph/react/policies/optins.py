"""Double opt-ins that wait for their confirmation: the proof of the wish, and not asking too often."""

from __future__ import annotations

from sqlalchemy import Connection, and_, bindparam, delete, insert, select

from heliograph.clock import SECOND
from heliograph.react.policies.rules import Place, Proof
from heliograph.react.policies.tables import OPTINS

ASK_AGAIN = 15 * 60 * SECOND
"""How long after a confirmation mail the same wish brings no other: anybody can type somebody's address."""


def ask(connection: Connection, account: str, place: Place, proof: Proof, now: int) -> bool:
    """Remember the wish; whether to ask for its confirmation now, or a mail is under way already."""
    row = connection.execute(_WISH, _key(account, place)).first()
    if row is not None and now - row.asked_at < ASK_AGAIN:
        return False
    connection.execute(_FORGET, _key(account, place))
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
    row = connection.execute(_WISH, _key(account, place)).first()
    if row is None:
        return None
    connection.execute(_FORGET, _key(account, place))
    return Proof(requested_at=row.requested_at, signup_ip=row.ip, source=row.source)


def _key(account: str, place: Place) -> dict[str, str]:
    return {"of_account": account, "of_channel": place.channel, "of_address": place.address}


_IS = and_(
    OPTINS.c.account == bindparam("of_account"),
    OPTINS.c.channel == bindparam("of_channel"),
    OPTINS.c.address == bindparam("of_address"),
)
_WISH = select(OPTINS).where(_IS)
_FORGET = delete(OPTINS).where(_IS)
