"""How messages leave: one module per way out, one line each in `CHANNELS`."""

from __future__ import annotations

from heliograph.clock import Clock
from heliograph.outbound.messages.channels.channel import Channel, Line
from heliograph.outbound.messages.channels.providers.line import ProviderLine
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.outbound.messages.channels.smtp import CHANNEL as SMTP
from heliograph.settings import Settings

CHANNELS: tuple[Channel, ...] = (SMTP,)
"""Every way out. Of those that carry the same kind of message the first that is configured is used."""


def open_lines(settings: Settings, clock: Clock, wire: Wire) -> dict[str, Line]:
    """The ways out, by the kind of message that they carry: of mail those that the settings ask for, of texts and push
    messages always one, since accounts have their own providers."""
    lines: dict[str, Line] = {"sms": ProviderLine(wire), "push": ProviderLine(wire)}
    for channel in CHANNELS:
        if channel.carries not in lines and (line := channel.open(settings, clock)) is not None:
            lines[channel.carries] = line
    return lines
