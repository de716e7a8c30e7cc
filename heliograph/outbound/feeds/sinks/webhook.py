"""Webhooks: the body posted to a URL under the account's signature (RM-14, RM-15)."""

from __future__ import annotations

from heliograph.clock import SECOND
from heliograph.egress import Failed, target
from heliograph.journal.consumer import Outcome, Refused, Retry
from heliograph.outbound.feeds import standard_webhooks
from heliograph.outbound.feeds.delivery_log import Exchange
from heliograph.outbound.feeds.dialect import EVENT_HEADER, HmacForm
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.secrets import Live, live
from heliograph.outbound.feeds.sink import Sink, Told
from heliograph.settings import Settings

NO_SECRET_AFTER = 60.0
"""Seconds between looks whether there is a secret to sign with: nothing is given up for want of one."""


async def deliver(told: Told, means: Means) -> Exchange:
    """Post one event, signed as its feed says."""
    now = means.clock.now()
    account = means.directory.account(told.account)
    secrets = live(means.directory, told.account, told.feed, told.secrets, now)
    if secrets is None or account is None:
        why = "the account has no webhook secret: make one with `heliograph keys add`"
        return Exchange(outcome=Retry(why, NO_SECRET_AFTER, counts=False))
    if "v1a" in told.options.standard_webhooks and not secrets.pairs:
        why = f"the feed has no key pair: make one with `heliograph feeds rotate {told.feed}`"
        return Exchange(outcome=Retry(why, NO_SECRET_AFTER, counts=False))
    headers = _headers(told, secrets, told.options.hmac_form or account.policy.hmac_form, now)
    body, timeout = told.rendered.body, means.settings.webhook_timeout
    answer = await means.egress.post(told.endpoint, body, headers, timeout)
    if isinstance(answer, Failed):
        return Exchange(outcome=_failure(answer), headers=headers)
    return Exchange(
        outcome=told.dialect.verdict(answer),
        headers=headers,
        status=answer.status,
        answer_headers=answer.headers,
        answer=answer.body,
    )


def _headers(told: Told, secrets: Live, form: HmacForm, now: int) -> dict[str, str]:
    rendered, schemes = told.rendered, told.options.standard_webhooks
    headers = {
        **rendered.headers,
        **told.dialect.sign(secrets.single, rendered.body, form),
        EVENT_HEADER: told.event.id,
    }
    if schemes:
        headers |= standard_webhooks.headers(schemes, secrets, told.event.id, rendered.body, now // SECOND)
    return headers


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
