"""The line of texts and of push messages: each message says itself through which provider it goes.

SMTP has relays of the operator's for everybody; here every account has its own provider, and so there is nothing to
wait for before a message is looked at, and no other way where it fails.
"""

from __future__ import annotations

from typing import Any

from heliograph.outbound.messages.channels.channel import Full, Result, Way
from heliograph.outbound.messages.channels.places import PER_CONNECTION, Places
from heliograph.outbound.messages.channels.providers.provider import Provider, Wire

PLACES = 8 * PER_CONNECTION
"""Messages that are under way at once with one provider."""


class ProviderWay:
    """A provider that takes messages of one account, and a place there."""

    def __init__(self, provider: Provider, wire: Wire, places: Places) -> None:
        self._provider, self._wire, self._places = provider, wire, places

    @property
    def name(self) -> str:
        """The provider's."""
        return self._provider.name

    @property
    def final(self) -> bool:
        """Never: what becomes of a message, providers tell later."""
        return False

    async def send(self, parcel: Any) -> Result:
        """One message."""
        result: Result = await self._provider.send(parcel.options, parcel, self._wire)
        return result

    def done(self) -> None:
        """The place is free."""
        self._places.give_back()


class ProviderLine:
    """All providers of one kind of message: which one, each message knows."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._places: dict[str, Places] = {}

    @property
    def width(self) -> int:
        """As many as one provider takes: most installations have one of a kind."""
        return PLACES

    async def ready(self, parcel: Any) -> Way | Full:
        """A place with the provider that the message names."""
        provider = parcel.provider
        places = self._places.setdefault(provider.name, Places(PLACES))
        if not await places.take():
            return Full(f"{provider.name} has {places.count} messages under way and is slow")
        return ProviderWay(provider, self._wire, places)

    def elsewhere(self, way: Way, parcel: Any) -> bool:
        """Never: an account has one provider."""
        return False

    async def close(self) -> None:
        """The wire is closed by whoever opened it."""
