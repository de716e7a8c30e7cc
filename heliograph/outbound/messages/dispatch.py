"""The act that sends: `message.requested` -> somebody's hands, at most once when in doubt.

In this order: is it settled already; may the address be written to *now*; can the mail be made; is there a way out;
`message.attempted` on disk; the network; the outcome on disk. What may repeat after a crash and what may not is
decided in `heliograph.outbound.messages.attempts`, from what the journal holds: a repeated attempt finds its
`message.attempted` recorded, is recorded as in doubt and parked, never sent again by itself. A failure of our own
between attempt and outcome is treated the same way.

The loop gives the attempt's number. It counts what was begun, so it may skip numbers (an attempt that ended before
the network leaves no trace); it never gives a number twice except to repeat it after a crash.

A message is put off for 1, 5, 15, 30, 60 minutes and then hourly; once the next attempt would be after its lifetime,
it bounces, classed by its last transient reply, else 24 Timeout (wire-facts 9.4). What only the operator can mend
(no relay, no sender) never bounces: it waits as long, and is parked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never, cast

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.bounces.classify import Verdict, classify, named, parse_reply, timed_out
from heliograph.bounces.rules import Rule, load_rules
from heliograph.clock import SECOND, Clock
from heliograph.errors import Unavailable
from heliograph.events import codec, messages
from heliograph.events.event import AnyEvent, Data, Event, derived_id
from heliograph.events.jobs import RecordLooked
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Retry, Skipped
from heliograph.journal.journal import Journal
from heliograph.outbound.messages import attempts
from heliograph.outbound.messages.addresses import Mailbox, mailbox
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Closed,
    Deferred,
    InDoubt,
    Line,
    Result,
    Unreachable,
    Way,
)
from heliograph.outbound.messages.facts import Facts, Look
from heliograph.outbound.messages.letters import Desk, Draft, Failed, Looked, Undeliverable
from heliograph.outbound.messages.permission import Refusal, barred, refusal
from heliograph.react.state import records
from heliograph.settings import Settings

NAME = "dispatch"
OPEN_STATES = frozenset(("requested", "attempted", "deferred", "in_doubt"))
"""What state says of messages that may still have to be sent; any other has its outcome."""
PER_CONNECTION = 4
"""Messages under way for each connection: while one is sent, others are made or wait for the disk."""
HISTORY_PAGE = 1000
"""Entries read at once when a message's past is looked up."""
DETAILS_LIMIT = 1000
"""Characters of an answer or a reason in an event."""

Request = Event[MessageRequested]


def dispatch_act(
    directory: Directory,
    journal: Journal,
    clock: Clock,
    settings: Settings,
    look: Look,
    desk: Desk,
    lines: Mapping[str, Line],
) -> Act:
    """The act. `lines`: the open ways out, by the kind of message that they carry (`email`)."""
    dispatcher = Dispatcher(
        directory=directory,
        journal=journal,
        clock=clock,
        look=look,
        desk=desk,
        lines=lines,
        lifetime=settings.message_lifetime,
        final=settings.smtp_final,
        rules=load_rules(settings),
    )
    return Act(
        name=NAME,
        kinds=frozenset((MessageRequested.kind,)),
        perform=dispatcher.perform,
        schedule=attempts.schedule(settings.message_lifetime),
        concurrency=sum(line.width for line in lines.values()) * PER_CONNECTION or 1,
        since=0,  # what is settled is known from the journal, so nothing is sent twice even from the beginning
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Performs the act. `lifetime` in seconds; `final`: the relay is the recipient's own server; `rules` say
    why mail bounces."""

    directory: Directory
    journal: Journal
    clock: Clock
    look: Look
    desk: Desk
    lines: Mapping[str, Line]
    lifetime: float
    final: bool
    rules: Sequence[Rule]

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Send the message that this event asks for, or say why not."""
        if not isinstance(event.data, MessageRequested):
            return Skipped()  # erased, or of a shape that this version does not know
        request = cast(Request, event)
        account = self.directory.account(event.account)
        if account is None:
            return Refused(f"there is no account {event.account}")
        facts = self.look(request)
        if facts.state is not None and facts.state not in OPEN_STATES:
            return Skipped()
        refused = _refusal(request.data, facts, account)
        if refused is not None:
            return await self._end(request, attempt, _suppressed(request, refused))
        line = self.lines.get(request.data.channel)
        if line is None:
            return self._wait_for_operator(
                request, attempt, _NO_LINE.get(request.data.channel, "no such channel")
            )
        recipient = mailbox(request.data.address)
        if recipient is None:
            verdict = named(110, "address malformed before sending")
            return await self._end(request, attempt, _bounced(request, verdict, "the address is malformed"))
        return await self._draft_and_send(request, attempt, facts, account, line, recipient)

    async def _draft_and_send(
        self, request: Request, attempt: int, facts: Facts, account: Account, line: Line, recipient: Mailbox
    ) -> Outcome:
        draft = self.desk.draft(request, facts, account, recipient, self.clock.now())
        if not isinstance(draft, Undeliverable) and draft.looked:
            await self._append(_looked(request, draft.looked, self.clock.now()))
        if isinstance(draft, Failed):
            return await self._end(request, attempt, _render_failed(request, draft))
        if isinstance(draft, Undeliverable):
            return self._wait_for_operator(request, attempt, draft.why)
        way = await line.ready(draft.parcel)
        if isinstance(way, Closed):
            if way.by_operator:
                return self._wait_for_operator(request, attempt, way.reason)
            return await self._unreachable(request, attempt, way.reason)
        if (known := await self._begin(request, attempt, way)) is not None:
            return known
        try:
            result = await way.send(draft.parcel)
        except Exception as error:  # ours, after the attempt was recorded: nobody knows how far it came
            result = InDoubt(f"we failed while sending: {type(error).__name__}: {error}")
        elsewhere = _about_the_way(result) and line.elsewhere(way, draft.parcel)
        pause = 0.0 if elsewhere else attempts.pause(attempt)
        return await self._conclude(request, attempt, way, draft, result, pause=pause)

    async def _begin(self, request: Request, attempt: int, way: Way) -> Outcome | None:
        """Record the attempt; None when it is ours to make now."""
        if attempt > 1 and (known := await self._known(request, attempt)) is not None:
            return known
        wanted = request.data
        tried = messages.MessageAttempted(
            message=request.id, channel=wanted.channel, address=wanted.address, attempt=attempt, via=way.name
        )
        if await self._record(request, (tried,), attempt):
            return None
        known = await self._known(request, attempt)
        return await self._doubt(request, attempt, _CRASHED) if known is None else known

    async def _known(self, request: Request, attempt: int) -> Outcome | None:
        """What the journal knows of this attempt, or of one before it without an answer; None: nothing."""
        judged = attempts.judge(await self._history(request), request.id, attempt)
        match judged:
            case attempts.Settled():
                return Skipped()
            case attempts.Deferred():
                return Retry("it was put off", attempts.pause(attempt))
            case attempts.Unanswered(number):
                return await self._doubt(request, number, _CRASHED)
            case attempts.Go():
                return None
            case _:
                assert_never(judged)

    async def _again(
        self, request: Request, attempt: int, result: Deferred | Unreachable, pause: float
    ) -> Outcome:
        """Nothing was taken: after `pause` seconds once more, as long as the message lives."""
        if isinstance(result, Deferred):
            at_last = timed_out(*parse_reply(result.response), rules=self.rules)
            return await self._put_off(request, attempt, result.response, at_last, pause)
        if result.by_operator and self._outlived(request, pause):
            await self._defer(request, attempt, result.reason, pause)
            return Refused(result.reason)
        at_last = timed_out(None, None, result.reason, rules=self.rules)
        return await self._put_off(request, attempt, result.reason, at_last, pause)

    async def _conclude(
        self, request: Request, attempt: int, way: Way, draft: Draft, result: Result, *, pause: float
    ) -> Outcome:
        match result:
            case Accepted(response):
                told = _sent(request, way, draft, response, final=self.final)
                await self._record(request, told, attempt)
                return Delivered(response)
            case Bounced(response, code, status, about_recipient):
                words = parse_reply(response).text
                verdict = classify(code, status, words, about_recipient=about_recipient, rules=self.rules)
                size = len(draft.parcel.content)
                told = (_bounced(request, verdict, response, status=status, size=size),)
                await self._record(request, told, attempt)
                return Delivered(f"bounced: {response}")
            case Deferred() | Unreachable():
                return await self._again(request, attempt, result, pause)
            case InDoubt(reason):
                return await self._doubt(request, attempt, reason)
            case _:
                assert_never(result)

    async def _put_off(
        self, request: Request, attempt: int, why: str, at_last: Verdict, pause: float
    ) -> Outcome:
        """Record a deferral and try again later; at the end of the message's life, a bounce."""
        if self._outlived(request, pause):
            status = parse_reply(why).status
            await self._record(request, (_bounced(request, at_last, why, status=status),), attempt)
            return Delivered(f"given up: {why}")
        await self._defer(request, attempt, why, pause)
        return Retry(why, pause)

    async def _defer(self, request: Request, attempt: int, why: str, pause: float) -> None:
        deferred = messages.MessageDeferred(
            message=request.id,
            channel=request.data.channel,
            address=request.data.address,
            attempt=attempt,
            response=why[:DETAILS_LIMIT],
            retry_at=self.clock.now() + int(pause * SECOND),
        )
        await self._record(request, (deferred,), attempt)

    async def _unreachable(self, request: Request, attempt: int, why: str) -> Outcome:
        """No way out just now: nothing was attempted, so nothing is recorded before the message's life ends."""
        pause = attempts.pause(attempt)
        if not self._outlived(request, pause):
            return Retry(why, pause)
        return await self._end(
            request, attempt, _bounced(request, timed_out(None, None, why, rules=self.rules), why)
        )

    def _wait_for_operator(self, request: Request, attempt: int, why: str) -> Outcome:
        pause = attempts.pause(attempt)
        return Refused(why) if self._outlived(request, pause) else Retry(why, pause)

    async def _end(self, request: Request, attempt: int, outcome: Data) -> Outcome:
        """Record an outcome that was reached without the network, unless the journal knows another."""
        known = await self._known(request, attempt)
        if known is not None:
            return known
        await self._record(request, (outcome,), attempt)
        return Delivered(outcome.kind)

    async def _doubt(self, request: Request, attempt: int, reason: str) -> Outcome:
        wanted = request.data
        doubt = messages.MessageInDoubt(
            message=request.id,
            channel=wanted.channel,
            address=wanted.address,
            reason=f"attempt {attempt}: {reason}"[:DETAILS_LIMIT],
        )
        await self._record(request, (doubt,), attempt)
        return Refused(f"in doubt, not sent again unless you retry it: {reason}")

    def _outlived(self, request: Request, pause: float) -> bool:
        return self.clock.now() + pause * SECOND > request.recorded + self.lifetime * SECOND

    async def _record(self, request: Request, told: tuple[Data, ...], attempt: int) -> bool:
        """Put these on disk, however long the disk takes; False when the first was there already.

        An outcome must not be lost because the journal is full for a moment: then nobody would know it."""
        now = self.clock.now()
        events = [codec.follow(request, data, *_parts(data, attempt), now=now) for data in told]
        return (await self._append(events))[0]

    async def _append(self, events: Sequence[AnyEvent]) -> Sequence[bool]:
        """Put these on disk unless they are there; which were new."""
        made = [codec.encode(event) for event in events]
        while True:
            try:
                return await self.journal.append_once(made)
            except Unavailable as full:
                await self.clock.sleep(full.retry_after)

    async def _history(self, request: Request) -> dict[str, str]:
        history: dict[str, str] = {}
        after = 0
        while entries := await self.journal.of((request.subject,), after=after, limit=HISTORY_PAGE):
            history.update((entry.id, entry.kind) for entry in entries if entry.cause == request.id)
            after = entries[-1].seq
        return history


def _about_the_way(result: Result) -> bool:
    """Whether another server might take what this one did not."""
    return isinstance(result, Unreachable) or (isinstance(result, Deferred) and result.about_relay)


_CRASHED = "it was begun, and its outcome was not recorded: the engine stopped in between"
_NO_LINE = {
    "email": "no relay is configured: set smtp_relay to smtp://HOST:PORT, smtps://HOST:PORT or "
    "smtp+starttls://HOST:PORT, or relays",
    "sms": "no way to send texts is configured",
    "push": "no way to send push notifications is configured",
}
_NUMBERED = (messages.MessageAttempted, messages.MessageDeferred, messages.MessageInDoubt)


def _looked(request: Request, looked: Looked, now: int) -> list[AnyEvent]:
    """Each record that the template asked for, as one hit or one miss (MG-7): once for the message, however often it
    is tried, as it was found the first time."""
    return [
        codec.make(
            records.told(name, found, message=request.id),
            account=request.account,
            subject=request.subject,
            now=now,
            cause=request.id,
            id=derived_id(request.id, RecordLooked.__name__, name.id),
        )
        for name, found in looked.items()
    ]


def _parts(data: Data, attempt: int) -> tuple[str, ...]:
    # Once per attempt, or once per message.
    return (str(attempt),) if isinstance(data, _NUMBERED) else ()


def _refusal(wanted: MessageRequested, facts: Facts, account: Account) -> Refusal | None:
    by_policy = barred(wanted.address, account.policy) if wanted.channel == "email" else frozenset[str]()
    return refusal(
        facts.standing.suppressions | by_policy,
        facts.standing.opt_in,
        transactional=wanted.transactional,
        unknown_may_be_mailed=account.policy.unknown_may_be_mailed,
    )


def _suppressed(request: Request, refused: Refusal) -> Data:
    return messages.MessageSuppressed(
        message=request.id,
        channel=request.data.channel,
        address=request.data.address,
        code=refused.code,
        category=refused.category,
        reason=refused.reason,
        suppression=refused.suppression,
    )


def _render_failed(request: Request, failed: Failed) -> Data:
    return messages.MessageRenderFailed(
        message=request.id, channel=request.data.channel, address=request.data.address, errors=failed.errors
    )


def _bounced(
    request: Request, verdict: Verdict, details: str, *, status: str | None = None, size: int | None = None
) -> Data:
    return messages.MessageBounced(
        message=request.id,
        channel=request.data.channel,
        address=request.data.address,
        category=verdict.category,
        code=verdict.code,
        bounce_class=verdict.bounce_class,
        details=details[:DETAILS_LIMIT],
        status=status,
        rule=verdict.rule,
        size=size,
    )


def _sent(request: Request, way: Way, draft: Draft, response: str, *, final: bool) -> tuple[Data, ...]:
    wanted, size = request.data, len(draft.parcel.content)
    sent = messages.MessageSent(
        message=request.id,
        channel=wanted.channel,
        address=wanted.address,
        via=way.name,
        response=response,
        size=size,
        subject=draft.subject,
        message_id=draft.message_id,
        sender=draft.sender,
        is_test=wanted.is_test,
    )
    if not final:
        return (sent,)
    delivered = messages.MessageDelivered(
        message=request.id, channel=wanted.channel, address=wanted.address, size=size, response=response
    )
    return (sent, delivered)
