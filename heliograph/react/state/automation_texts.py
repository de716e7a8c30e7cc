"""Automations as they lie in state, definitions as text: for the reaction, which asks with every batch of events and has read
nearly all of them before (`react.automations.batch`).
"""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Text, bindparam, cast, select

from heliograph.database import Query
from heliograph.react.state.definitions import AUTOMATION_VERSIONS, AUTOMATIONS


class AutomationText(NamedTuple):
    """As `definitions.Automation`; `definition` is JSON."""

    name: str
    version: int
    definition: str
    id: int


def automation_texts(connection: Connection, account: str) -> list[AutomationText]:
    """As `definitions.automations`."""
    return [AutomationText(*row) for row in _CURRENT.rows(connection, of_account=account)]


def automation_text(connection: Connection, account: str, name: str, version: int) -> AutomationText | None:
    """As `definitions.automation`."""
    found = _VERSION.row(connection, of_account=account, of_name=name, of_version=version)
    return None if found is None else AutomationText(*found)


_TEXT = (
    select(
        AUTOMATIONS.c.name,
        AUTOMATION_VERSIONS.c.version,
        cast(AUTOMATION_VERSIONS.c.definition, Text),
        AUTOMATIONS.c.id,
    )
    .join_from(
        AUTOMATIONS,
        AUTOMATION_VERSIONS,
        (AUTOMATION_VERSIONS.c.account == AUTOMATIONS.c.account)
        & (AUTOMATION_VERSIONS.c.name == AUTOMATIONS.c.name),
    )
    .where(AUTOMATIONS.c.account == bindparam("of_account"))
)
_CURRENT = Query(
    _TEXT.where(
        AUTOMATIONS.c.removed.is_(None), AUTOMATION_VERSIONS.c.version == AUTOMATIONS.c.version
    ).order_by(AUTOMATIONS.c.id)
)
_VERSION = Query(
    _TEXT.where(
        AUTOMATIONS.c.name == bindparam("of_name"), AUTOMATION_VERSIONS.c.version == bindparam("of_version")
    )
)
