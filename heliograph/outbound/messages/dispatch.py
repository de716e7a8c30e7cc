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

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never, cast

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.bounces.classify import Reply, classify, named, parse_reply, timed_out
from heliograph.bounces.rules import Rule, load_rules
from heliograph.clock import SECOND, Clock
from heliograph.errors import Unavailable
from heliograph.events import codec, messages
from heliograph.events.event import AnyEvent, Data, Event, Record
from heliograph.events.messages import DOUBT, MessageRequested, RenderError
from heliograph.journal.consumer import Act, Delivered, Outcome, Refused, Retry, Skipped
from heliograph.journal.journal import Journal
from heliograph.outbound.messages import attempts, told
from heliograph.outbound.messages.channels.channel import (
    Accepted,
    Bounced,
    Closed,
    Deferred,
    Full,
    InDoubt,
    Line,
    NotDelivered,
    Result,
    Unreachable,
    Way,
)
from heliograph.outbound.messages.facts.look import Look
from heliograph.outbound.messages.mail.addresses import mailbox
from heliograph.outbound.messages.making.fetching import PART, Fetching, Late
from heliograph.outbound.messages.making.letters import Draft, Failed, Made, Undeliverable
from heliograph.outbound.messages.making.workshop import Order
from heliograph.outbound.messages.permission import refused
from heliograph.outbound.messages.texts import note
from heliograph.outbound.messages.texts.desk import TextDesk
from heliograph.outbound.messages.texts.note import Note
from heliograph.settings import Settings

NAME = "dispatch"
OPEN_STATES = frozenset(("requested", "attempted", "deferred", "in_doubt"))
"""What state says of messages that may still have to be sent; any other has its outcome."""
HISTORY_PAGE = 1000
"""Entries read at once when a message's past is looked up."""

Request = Event[MessageRequested]
Make = Callable[[Order], Awaitable[Made]]
"""Makes a mail, here or in another process (`making.makers`)."""


def dispatch_act(
    directory: Directory,
    journal: Journal,
    clock: Clock,
    settings: Settings,
    look: Look,
    make: Make,
    lines: Mapping[str, Line],
    texts: TextDesk,
    fetching: Fetching,
) -> Act:
    """The act. `lines`: the open ways out, by the kind of message that they carry (`email`); `make` makes mails, `texts`
    all others; `fetching` gets the files of a message's own."""
    dispatcher = Dispatcher(
        directory=directory,
        journal=journal,
        clock=clock,
        look=look,
        make=make,
        texts=texts,
        fetching=fetching,
        lines=lines,
        lifetime=settings.message_lifetime,
        rules=load_rules(settings),
    )
    return Act(
        name=NAME,
        kinds=frozenset((MessageRequested.kind,)),
        perform=dispatcher.perform,
        schedule=attempts.schedule(settings.message_lifetime),
        concurrency=sum(line.width for line in lines.values()),
        since=0,  # what is settled is known from the journal, so nothing is sent twice even from the beginning
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatcher:
    """Performs the act. `lifetime` in seconds; `rules` say why mail bounces."""

    directory: Directory
    journal: Journal
    clock: Clock
    look: Look
    make: Make
    texts: TextDesk
    fetching: Fetching
    lines: Mapping[str, Line]
    lifetime: float
    rules: Sequence[Rule]

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Send the message that this event asks for, or say why not."""
        if not isinstance(event.data, MessageRequested):
            return Skipped()  # erased, or of a shape that this version does not know
        request = cast(Request, event)
        account = self.directory.account(event.account)
        if account is None:
            return Refused(f"there is no account {event.account}")
        status = self.look.status(request)
        if status.state is not None and status.state not in OPEN_STATES:
            return Skipped()
        refusal = refused(request.data, status, account, self.clock.now())
        if refusal is not None:
            return await self._end(request, attempt, told.suppressed(request, refusal))
        line = self.lines.get(request.data.channel)
        if line is None:
            return self._wait_for_operator(
                request, attempt, _NO_LINE.get(request.data.channel, "no such channel")
            )
        if request.data.channel != "email":
            written = self.texts.draft(request, self.look.facts(request), account, self.clock.now())
            return await self._send(request, attempt, line, written)
        recipient = mailbox(request.data.address)
        if recipient is None:
            verdict = named(110, "address malformed before sending")
            return await self._end(
                request, attempt, told.bounced(request, verdict, "the address is malformed")
            )
        if any(one.url for one in request.data.attachments):
            files = await self.fetching.fetched(request, self.look.facts(request), account)
            if isinstance(files, Late | RenderError):
                return await self._without(request, attempt, files)
            request = msgspec.structs.replace(
                request, data=msgspec.structs.replace(request.data, attachments=files), raw=b""
            )
        now, accounts = self.clock.now(), self.directory.revision
        order = Order(codec.encode(request), status.version, recipient, now, accounts)
        return await self._send(request, attempt, line, await self.make(order))

    async def _without(self, request: Request, attempt: int, why: Late | RenderError) -> Outcome:
        """A file of its own is not there: the message waits for it as long as it lives, or ends."""
        if isinstance(why, Late):
            pause = attempts.pause_for_room(attempt) if why.busy else self._pause(request, attempt)
            if not self._outlived(request, pause):
                return Retry(why.why, pause, counts=not why.busy)
            why = RenderError(code="Attachment error", message=why.why, part=PART)
        return await self._end(request, attempt, told.render_failed(request, Failed((why,))))

    async def _send(
        self,
        request: Request,
        attempt: int,
        line: Line,
        draft: Draft | Note | Failed | Undeliverable | NotDelivered,
    ) -> Outcome:
        if not isinstance(draft, Undeliverable | NotDelivered) and draft.looked:
            await self._append(draft.looked)
        if isinstance(draft, Failed):
            return await self._end(request, attempt, told.render_failed(request, draft))
        if isinstance(draft, Undeliverable):
            return self._wait_for_operator(request, attempt, draft.why)
        if isinstance(draft, NotDelivered):
            (bounced,) = note.refused(request.id, request.data, draft, None)
            return await self._end(request, attempt, bounced)
        way = await line.ready(draft.parcel)
        if isinstance(way, Full):
            return await self._unreachable(request, attempt, way)
        if isinstance(way, Closed):
            if way.by_operator:
                return self._wait_for_operator(request, attempt, way.reason)
            return await self._unreachable(request, attempt, way)
        try:
            return await self._by(way, line, request, attempt, draft)
        finally:
            way.done()

    async def _by(self, way: Way, line: Line, request: Request, attempt: int, draft: Draft | Note) -> Outcome:
        """Send it this way, if it is ours to send now."""
        if isinstance(draft, Note) and draft.links is not None:
            await self._record(request, (draft.links,), attempt)
        if (known := await self._begin(request, attempt, way)) is not None:
            return known
        try:
            result = await way.send(draft.parcel)
        except Exception as error:  # ours, after the attempt was recorded: nobody knows how far it came
            result = InDoubt(f"we failed while sending: {type(error).__name__}: {error}")
        elsewhere = _about_the_way(result) and line.elsewhere(way, draft.parcel)
        pause = 0.0 if elsewhere else self._pause(request, attempt)
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
                return Retry("it was put off", self._pause(request, attempt))
            case attempts.Unanswered(number):
                return await self._doubt(request, number, _CRASHED)
            case attempts.Go():
                return None
            case _:
                assert_never(judged)

    async def _conclude(
        self, request: Request, attempt: int, way: Way, draft: Draft | Note, result: Result, *, pause: float
    ) -> Outcome:
        match result:
            case Accepted(response):
                if isinstance(draft, Note):
                    ends = note.accepted(draft, response)
                else:
                    ends = told.sent(request, way.name, draft, response, final=way.final)
                await self._record(request, ends, attempt)
                return Delivered(response)
            case NotDelivered(_, response):
                about = draft if isinstance(draft, Note) else None
                await self._record(request, note.refused(request.id, request.data, result, about), attempt)
                return Delivered(f"bounced: {response}")
            case Bounced(response, code, status, about_recipient):
                words = parse_reply(response).text
                verdict = classify(code, status, words, about_recipient=about_recipient, rules=self.rules)
                size = len(draft.parcel.content)
                ends = (told.bounced(request, verdict, response, status=status, size=size),)
                await self._record(request, ends, attempt)
                return Delivered(f"bounced: {response}")
            case Deferred() | Unreachable():
                return await self._again(request, attempt, draft, result, pause)
            case InDoubt(reason):
                return await self._doubt(request, attempt, reason)
            case _:
                assert_never(result)

    async def _again(
        self,
        request: Request,
        attempt: int,
        draft: Draft | Note,
        result: Deferred | Unreachable,
        pause: float,
    ) -> Outcome:
        """Nothing was taken: after `pause` seconds once more, as long as the message lives; then it bounces, or is parked
        where only an operator can mend it."""
        why = result[0]
        if not self._outlived(request, pause):
            await self._defer(request, attempt, draft, result, pause)
            return Retry(why, pause)
        if isinstance(result, Unreachable) and result.by_operator:
            await self._defer(request, attempt, draft, result, pause)
            return Refused(why)
        await self._record(request, (self._given_up(request, draft, result),), attempt)
        return Delivered(f"given up: {why}")

    async def _defer(
        self,
        request: Request,
        attempt: int,
        draft: Draft | Note,
        result: Deferred | Unreachable,
        pause: float,
    ) -> None:
        deferred = messages.MessageDeferred(
            message=request.id,
            channel=request.data.channel,
            address=request.data.address,
            attempt=attempt,
            response=result[0][: told.DETAILS_LIMIT],
            retry_at=self.clock.now() + int(pause * SECOND),
        )
        if isinstance(draft, Note):
            deferred = note.put_off(deferred, result, draft)
        await self._record(request, (deferred,), attempt)

    def _given_up(self, request: Request, draft: Draft | Note, result: Deferred | Unreachable) -> Data:
        why = result[0]
        if isinstance(draft, Note):
            return note.given_up(request.id, request.data, result, draft)
        reply = parse_reply(why) if isinstance(result, Deferred) else Reply(None, None, why)
        return told.bounced(request, timed_out(*reply, rules=self.rules), why, status=parse_reply(why).status)

    async def _unreachable(self, request: Request, attempt: int, way: Full | Closed) -> Outcome:
        """No way out just now: nothing was attempted, so nothing is recorded before the message's life ends."""
        full, why = isinstance(way, Full), way.reason
        pause = attempts.pause_for_room(attempt) if full else self._pause(request, attempt)
        if not self._outlived(request, pause):
            return Retry(why, pause, counts=not full)
        return await self._end(
            request, attempt, told.bounced(request, timed_out(None, None, why, rules=self.rules), why)
        )

    def _wait_for_operator(self, request: Request, attempt: int, why: str) -> Outcome:
        pause = self._pause(request, attempt)
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
            reason=f"attempt {attempt}: {reason}"[: told.DETAILS_LIMIT],
        )
        await self._record(request, (doubt,), attempt)
        return Refused(f"{DOUBT}{reason}")

    def _pause(self, request: Request, attempt: int) -> float:
        return attempts.pause(attempt, (self.clock.now() - request.recorded) / SECOND)

    def _outlived(self, request: Request, pause: float) -> bool:
        return self.clock.now() + pause * SECOND > request.recorded + self.lifetime * SECOND

    async def _record(self, request: Request, outcomes: tuple[Data, ...], attempt: int) -> bool:
        """Put these on disk, however long the disk takes; False when the first was there already.

        An outcome must not be lost because the journal is full for a moment: then nobody would know it."""
        now = self.clock.now()
        events = [codec.follow(request, data, *_parts(data, attempt), now=now) for data in outcomes]
        return (await self._append([codec.encode(event) for event in events]))[0]

    async def _append(self, records: Sequence[Record]) -> Sequence[bool]:
        """Put these on disk unless they are there; which were new."""
        while True:
            try:
                return await self.journal.append_once(records)
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


def _parts(data: Data, attempt: int) -> tuple[str, ...]:
    # Once per attempt, once for each set of links, or once per message.
    if isinstance(data, messages.LinksShortened):
        return (data.links[0].code,)
    return (str(attempt),) if isinstance(data, _NUMBERED) else ()
