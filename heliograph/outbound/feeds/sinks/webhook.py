"""Webhooks: the body posted to a URL under the account's signature (RM-14, RM-15)."""

from __future__ import annotations

from heliograph.egress import Failed, target
from heliograph.journal.consumer import Outcome, Refused, Retry
from heliograph.outbound.feeds.dialect import EVENT_HEADER
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.settings import Settings


async def deliver(told: Told, means: Means) -> Outcome:
    """Post one event, signed with the account's newest secret."""
    event, rendered, dialect = told.event, told.rendered, told.dialect
    keys = means.directory.keys(told.account, "webhook")
    account = means.directory.account(told.account)
    if not keys or account is None:
        return Retry("the account has no webhook secret: make one with `heliograph keys add`")
    headers = {
        **rendered.headers,
        **dialect.sign(keys[0].secret, rendered.body, account.policy.hmac_form),
        EVENT_HEADER: event.id,
    }
    answer = await means.egress.post(told.endpoint, rendered.body, headers, means.settings.webhook_timeout)
    return _failure(answer) if isinstance(answer, Failed) else dialect.verdict(answer)


def fault(endpoint: str, settings: Settings) -> str | None:
    """Why a receiver's URL is not called; its address is judged when it is."""
    url = target(endpoint)
    if isinstance(url, Failed):
        return url.reason
    if url.scheme != "https" and settings.webhook_https_only:
        return "the endpoint must be https (RM-15); set webhook_https_only = false to allow http"
    return None


def _failure(failed: Failed) -> Outcome:
    """What egress could not do: refused is for good; the rest passes (RM-15)."""
    why = f"{failed.kind}: {failed.reason}"
    return Refused(why) if failed.kind == "refused" else Retry(why)


SINK = Sink("webhook", ("https", "http"), fault, deliver)
