"""The dialects, in one tuple: adding one is a module here and a line below."""

from __future__ import annotations

from typing import Any

from heliograph.outbound.feeds.dialect import Dialect
from heliograph.outbound.feeds.dialects import litmus, messagegears, native, remarkety

DIALECTS: tuple[Dialect[Any], ...] = (
    remarkety.DIALECT,
    native.DIALECT,
    messagegears.DOCUMENT_DIALECT,
    messagegears.SCHEMA_DIALECT,
    messagegears.CSV_DIALECT,
    litmus.DIALECT,
)

BY_NAME: dict[str, Dialect[Any]] = {dialect.name: dialect for dialect in DIALECTS}
