"""How a provider is told our message's id, so that its callbacks give it back: a header for each that reads one.

`inbound.receipts.providers` finds it there. Providers that give our Message-ID or the mail's own headers back need none.
"""

from __future__ import annotations

from collections.abc import Mapping

HEADERS: Mapping[str, str] = {
    "sparkpost": 'X-MSYS-API: {{"metadata": {{"heliograph_message": "{message}"}}}}',
    "sendgrid": 'X-SMTPAPI: {{"unique_args": {{"heliograph_message": "{message}"}}}}',
    "mailgun": 'X-Mailgun-Variables: {{"heliograph_message": "{message}"}}',
    "postmark": "X-PM-Metadata-heliograph_message: {message}",
}
"""By the setting `smtp_provider`; what is in the mail's way (JSON in a header) the provider takes out."""


def mark(provider: str, message: str) -> tuple[str, ...]:
    """The header lines for this provider; none for others."""
    header = HEADERS.get(provider)
    return (header.format(message=message),) if header else ()
