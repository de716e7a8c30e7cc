"""The line of texts and of push messages: each message says itself through which provider it goes.

SMTP has a relay of the operator's for everybody; here every account has its own provider, and so there is nothing to
wait for before a message is looked at.
"""

from __future__ import annotations

from typing import Any

from heliograph.events.consent import Channel
from heliograph.outbound.messages.channels.channel import Result
from heliograph.outbound.messages.channels.providers.provider import Wire


class ProviderLine:
    """A line for one kind of message."""

    def __init__(self, carries: Channel, wire: Wire) -> None:
        self._carries, self._wire = carries, wire

    @property
    def name(self) -> str:
        """`sms` or `push`; the drafts know the provider."""
        return self._carries

    async def ready(self) -> str:
        """Always."""
        return ""

    async def send(self, parcel: Any) -> Result:
        """One message through the provider that it names."""
        result: Result = await parcel.provider.send(parcel.options, parcel, self._wire)
        return result

    async def close(self) -> None:
        """The wire is closed by whoever opened it."""
