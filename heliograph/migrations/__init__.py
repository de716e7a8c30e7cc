"""Stopgap until the revisions are written: the whole schema at once."""

from __future__ import annotations

from sqlalchemy import Engine

from heliograph.database import METADATA


def migrate(engine: Engine) -> None:
    """Bring state up to date."""
    METADATA.create_all(engine)
