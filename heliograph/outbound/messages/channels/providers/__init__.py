"""Providers of texts and push services: one module each, one line each in `PROVIDERS`.

An account uses those that it has a key `channel` for: of texts the first, of push services the one of the device.
"""

from __future__ import annotations

from heliograph.outbound.messages.channels.providers import apns, fcm, http, sns, twilio
from heliograph.outbound.messages.channels.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (
    twilio.PROVIDER,
    http.PROVIDER,
    apns.PROVIDER,
    fcm.PROVIDER,
    sns.PROVIDER,
)
