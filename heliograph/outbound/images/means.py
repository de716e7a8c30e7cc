"""What drawing may ask for, in one worker: operators' pictures, and votes (`kinds.kind.Tools`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from heliograph.outbound.images.kinds.kind import Drawn
from heliograph.outbound.images.published import Shelf
from heliograph.outbound.images.sources.picture import Picture, Unusable
from heliograph.react.state.images import Tally


class Pictures(Protocol):
    """Operators' pictures by their URLs (`sources.sources.Sources`)."""

    async def picture(self, url: str) -> Picture | None:
        """The picture to show now."""
        ...

    async def look(self, url: str) -> Picture | Unusable:
        """The picture for somebody who chooses it."""
        ...


class Means:
    """The sources and the shelf of a worker."""

    def __init__(self, sources: Pictures, shelf: Shelf) -> None:
        self._sources, self._shelf = sources, shelf

    async def source(self, url: str) -> Drawn | None:
        """As `Tools.source`."""
        found = await self._sources.picture(url)
        return None if found is None else Drawn(found.type, found.body)

    async def fault(self, url: str) -> str | None:
        """As `Tools.fault`."""
        found = await self._sources.look(url)
        return found.reason if isinstance(found, Unusable) else None

    async def tally(self, image: str) -> Mapping[int, Tally]:
        """As `Tools.tally`."""
        return await self._shelf.tally(image)
