"""Calls that automations want: a URL of the operator's is told that somebody came to a step (`webhook.requested`).

Decided by the automation, carried out here: one POST of JSON through `egress`, signed as webhooks are (RM-14), at least
once with the same id and the same bytes. What came of it is an event: `webhook.answered`, or `webhook.failed` when it
was refused or the schedule is used up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock, iso
from heliograph.egress import Egress, Failed
from heliograph.events import codec
from heliograph.events.definitions import WebhookAnswered, WebhookFailed, WebhookRequested
from heliograph.events.event import AnyEvent
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Retry, Skipped
from heliograph.journal.journal import Journal
from heliograph.settings import Settings
from heliograph.signing import mac_base64, mac_hex

SCHEDULE = (5.0, 30.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 2100.0)
"""Seconds before each further attempt: two hours in all, as webhooks have (RM-15)."""

AT_ONCE = 16

ID_HEADER = "X-Heliograph-Event"
SIGNATURE_HEADER = "X-Event-Hmac-SHA256"

GONE = frozenset((400, 401, 403, 404, 405, 410, 413, 415, 422))
"""Answers that no repetition makes another."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What calls need. `perform` and `gave_up` are the act's."""

    egress: Egress
    directory: Directory
    journal: Journal
    settings: Settings
    clock: Clock

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Call once."""
        wanted = event.data
        account = self.directory.account(event.account)
        if not isinstance(wanted, WebhookRequested) or account is None:
            return Skipped()  # erased meanwhile
        if self.settings.webhook_https_only and not wanted.url.startswith("https://"):
            return await self._refused(event, wanted, attempt, "the URL must be https (webhook_https_only)")
        keys = self.directory.keys(event.account, "webhook")
        if not keys:
            return Retry("the account has no webhook secret: make one with `heliograph keys add`")
        body, sign = body_of(event, wanted), mac_base64 if account.policy.hmac_form == "base64" else mac_hex
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Heliograph",
            ID_HEADER: event.id,
            SIGNATURE_HEADER: sign(keys[0].secret.encode(), body),
        }
        answer = await self.egress.post(wanted.url, body, headers, self.settings.webhook_timeout)
        if isinstance(answer, Failed):
            why = f"{answer.kind}: {answer.reason}"
            return (
                await self._refused(event, wanted, attempt, why) if answer.kind == "refused" else Retry(why)
            )
        if 200 <= answer.status < 300:
            told = WebhookAnswered(
                run=wanted.run, automation=wanted.automation, step=wanted.step, status=answer.status
            )
            await self._record(codec.follow(event, told, now=self.clock.now()))
            return Delivered(f"answered {answer.status}")
        why = f"answered {answer.status}"
        return await self._refused(event, wanted, attempt, why) if answer.status in GONE else Retry(why)

    def gave_up(self, event: AnyEvent, why: str, attempts: int) -> Sequence[AnyEvent]:
        """The schedule is used up."""
        wanted = event.data
        return [self._failed(event, wanted, why, attempts)] if isinstance(wanted, WebhookRequested) else []

    async def _refused(self, event: AnyEvent, wanted: WebhookRequested, attempt: int, why: str) -> Refused:
        await self._record(self._failed(event, wanted, why, attempt))
        return Refused(why)

    def _failed(self, event: AnyEvent, wanted: WebhookRequested, why: str, attempts: int) -> AnyEvent:
        told = WebhookFailed(
            run=wanted.run, automation=wanted.automation, step=wanted.step, reason=why, attempts=attempts
        )
        return codec.follow(event, told, now=self.clock.now())

    async def _record(self, event: AnyEvent) -> None:
        await self.journal.append_once([codec.encode(event)])


def calls_act(calls: Calls) -> Act:
    """The act that carries them out."""
    return Act(
        name="calls",
        kinds=frozenset((WebhookRequested.kind,)),
        perform=calls.perform,
        schedule=SCHEDULE,
        concurrency=AT_ONCE,
        gave_up=calls.gave_up,
    )


def body_of(event: AnyEvent, wanted: WebhookRequested) -> bytes:
    """What is posted: the same bytes each time."""
    return msgspec.json.encode(
        {
            "id": event.id,
            "at": iso(event.at),
            "automation": wanted.automation,
            "run": wanted.run,
            "step": wanted.step,
            "person": wanted.person,
            "object": wanted.object,
            "event": wanted.event,
        }
    )
