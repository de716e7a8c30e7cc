"""A template's versions: the number of the one in use, and all that there ever were.

The versions themselves, with their parts, are in `definitions`, whose fold keeps them.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, func, select

from heliograph.database import Query
from heliograph.react.state.definitions import TEMPLATES


class TemplateVersion(msgspec.Struct, frozen=True, kw_only=True):
    """When a version was saved and, where it is offered no more, removed; in microseconds. `event` saved it."""

    version: int
    saved: int
    removed: int | None
    event: str
    parts: dict[str, str]


def current(connection: Connection, account: str, name: str) -> int | None:
    """The number of a template's current version; None: there is none, or it was removed."""
    found: int | None = _CURRENT_VERSION.value(connection, of_account=account, of_name=name)
    return found


def versions(connection: Connection, account: str, name: str) -> list[TemplateVersion]:
    """Every version that a template ever had, the newest first."""
    found = connection.execute(_HISTORY, {"of_account": account, "of_name": name})
    return [TemplateVersion(**row._mapping) for row in found]


_OF_NAME = (TEMPLATES.c.account == bindparam("of_account"), TEMPLATES.c.name == bindparam("of_name"))
_CURRENT_VERSION = Query(
    select(func.max(TEMPLATES.c.version)).where(*_OF_NAME, TEMPLATES.c.removed.is_(None))
)
_HISTORY = (
    select(TEMPLATES.c.version, TEMPLATES.c.saved, TEMPLATES.c.removed, TEMPLATES.c.event, TEMPLATES.c.parts)
    .where(*_OF_NAME)
    .order_by(TEMPLATES.c.version.desc())
)
