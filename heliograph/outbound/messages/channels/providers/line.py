"""The line of texts and of push messages: each message says itself through which provider it goes.

SMTP has relays of the operator's for everybody; here every account has its own provider, and so there is nothing to
wait for before a message is looked at, and no other way where it fails.
"""

from __future__ import annotations

from typing import Any

from heliograph.outbound.messages.channels.channel import Result, Way
from heliograph.outbound.messages.channels.providers.provider import Provider, Wire

WIDTH = 8
"""Messages of one kind that are handed over at once."""


class ProviderWay:
    """A provider that takes messages of one account."""

    def __init__(self, provider: Provider, wire: Wire) -> None:
        self._provider, self._wire = provider, wire

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


class ProviderLine:
    """All providers of one kind of message: which one, each message knows."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    @property
    def width(self) -> int:
        """As many as are good for all accounts together."""
        return WIDTH

    async def ready(self, parcel: Any) -> Way:
        """Always: by the provider that the message names."""
        return ProviderWay(parcel.provider, self._wire)

    def elsewhere(self, way: Way, parcel: Any) -> bool:
        """Never: an account has one provider."""
        return False

    async def close(self) -> None:
        """The wire is closed by whoever opened it."""
