"""The first schema: every table of every area."""

from __future__ import annotations

from heliograph.migrations.versions.first_schema import (
    accounts,
    automations,
    commerce,
    consent,
    consumers,
    feeds,
    images,
    messages,
    people,
    reports,
    tracking,
)

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

AREAS = (
    accounts,
    consumers,
    people,
    consent,
    commerce,
    messages,
    automations,
    images,
    tracking,
    feeds,
    reports,
)


def upgrade() -> None:
    """Make every table."""
    for area in AREAS:
        for table in area.TABLES:
            table()
