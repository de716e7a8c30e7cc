"""The one open kind: whatever else a sender wants to say, under a name of its own (RM-20)."""

from __future__ import annotations

from typing import Any, ClassVar

from heliograph.events.event import Data, Said


class Custom(Data, frozen=True, kw_only=True):
    """An event of the sender's own making. Its top-level properties can be filtered on (RM-20)."""

    kind: ClassVar[str] = "custom"
    inner: ClassVar[str | None] = "body"
    name: str
    body: dict[str, Any] = {}
    email: str | None = None
    customer_id: str | None = None
    said: Said | None = None
    notes: tuple[str, ...] = ()
    keyless: bool = False
    """Said by a page without a key (RM-2): it names people, and has no power over who they are or what they agreed to."""
