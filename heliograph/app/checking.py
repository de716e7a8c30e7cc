"""What would stop a start, or mislead it: settings that only what uses them can judge, and the files that they name."""

from __future__ import annotations

from pathlib import Path

from heliograph.app.mail import configured
from heliograph.app.ownership import usable
from heliograph.bounces.rules import load_rules
from heliograph.inbound.consent import load_wordings
from heliograph.outbound.messages.channels.relay import relays_of
from heliograph.readers import load as load_readers
from heliograph.settings import Settings
from heliograph.settings.listening import address_of
from heliograph.web.proxies import trusting


def check(settings: Settings) -> None:
    """Raises `OperatorError`, naming the setting or the file, for the first that is wrong."""
    usable(Path(settings.data))
    address_of(settings.listen)
    trusting(settings.trusted_proxies)
    relays_of(settings)
    load_readers(settings)
    configured(settings)
    load_rules(settings)
    load_wordings(settings)
