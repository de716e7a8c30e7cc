"""Providers' callbacks: what Amazon SES, SparkPost, SendGrid, Mailgun, Postmark, Twilio
and any other provider of texts tell us over HTTP.

`PROVIDERS` is all of them; adding one adds its module and one line here. `doors` receives, `telling` makes events.
"""

from __future__ import annotations

from heliograph.inbound.receipts.providers import http, mailgun, postmark, sendgrid, ses, sparkpost, twilio
from heliograph.inbound.receipts.providers.provider import Provider

PROVIDERS: tuple[Provider, ...] = (
    ses.PROVIDER,
    sparkpost.PROVIDER,
    sendgrid.PROVIDER,
    mailgun.PROVIDER,
    postmark.PROVIDER,
    twilio.PROVIDER,
    http.PROVIDER,
)
