"""The certificate whose key signs what topics send (SNS-3, SNS-11): made at the first start, kept with the other keys.

Its URL holds its id, so that a receiver may keep the one that it fetched for as long as it likes. The newest signs; older
ones are still handed out, because messages that they signed may be on their way.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, insert, select

from heliograph.accounts.model import CERTIFICATES
from heliograph.clock import SECOND
from heliograph.signing import RsaKey, new_certificate


class Certificate(NamedTuple):
    """The certificate that signs now: its id (32 hex digits) and its key."""

    id: str
    key: RsaKey


def ensure_certificate(engine: Engine, base_url: str, now: int) -> None:
    """Make one unless there is one. `base_url` names the host that it is for; `now` in microseconds."""
    with engine.begin() as connection:
        if connection.scalar(select(CERTIFICATES.c.id).limit(1)) is None:
            add_certificate(connection, base_url, now)


def add_certificate(connection: Connection, base_url: str, now: int) -> str:
    """A new one, which signs from the next start of the engine on; returns its id."""
    host = urlsplit(base_url).hostname or "heliograph"
    private, certificate = new_certificate(host, datetime.fromtimestamp(now / SECOND, UTC))
    id_ = secrets.token_hex(16)
    connection.execute(
        insert(CERTIFICATES).values(id=id_, private_key=private, certificate=certificate, created=now)
    )
    return id_


def signing_certificate(engine: Engine) -> Certificate:
    """The newest."""
    newest = select(CERTIFICATES).order_by(CERTIFICATES.c.created.desc(), CERTIFICATES.c.id).limit(1)
    with engine.connect() as connection:
        row = connection.execute(newest).one()
    return Certificate(row.id, RsaKey(row.private_key))


def public_certificate(connection: Connection, id: str) -> bytes | None:
    """The PEM that everybody may have; None if there is none of this id."""
    found: bytes | None = connection.scalar(select(CERTIFICATES.c.certificate).where(CERTIFICATES.c.id == id))
    return found
