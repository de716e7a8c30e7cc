"""The rim of judging: visits come in, verdicts go out, each with a derived id, a later one replacing an earlier.

The first verdict comes at once, by what the request tells and how long after the message was handed over it came.
Evidence that is there already is part of it. In which colours an open was drawn is told apart from it (`modes`). What is found out about earlier visits is said of each of them. That a
person came after a fetch ahead counts once `SETTLE` has gone by and nothing was found out about the person.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, select

from heliograph.accounts.directory import Directory
from heliograph.clock import SECOND
from heliograph.database import QueryOfMany
from heliograph.events import codec, subjects
from heliograph.events.engagement import (
    ImageShown,
    LinkClicked,
    MessageOpened,
    MessageRendered,
    ReaderJudged,
    VoteCast,
)
from heliograph.events.engagement import Visit as VisitData
from heliograph.events.event import AnyEvent, derived_id
from heliograph.events.people import PersonErased
from heliograph.journal.consumer import Reaction
from heliograph.react.judgement import modes, recent
from heliograph.react.judgement.evidence import (
    LATER,
    Finding,
    Kind,
    Seen,
    condemned,
    confirms,
    drawn,
    findings,
    is_ahead,
    upgraded,
)
from heliograph.react.judgement.modes import Modes
from heliograph.react.judgement.recent import Ahead, Recent
from heliograph.react.state.messages import MESSAGES
from heliograph.react.state.reading import happened
from heliograph.readers import Reader, Readers, Visit

NAME = "judgement"

SETTLE = 10 * SECOND
"""How long a person who came after a fetch ahead is looked at before that counts: a burst is over by then."""

_KINDS: dict[type[VisitData], Kind] = {
    MessageOpened: "open",
    LinkClicked: "click",
    VoteCast: "vote",
    ImageShown: "image",
}


class _Handed(NamedTuple):
    """When a message was first attempted, and when it was taken over; None: not yet."""

    attempted: int | None
    sent: int | None


def reaction(directory: Directory, readers: Readers) -> Reaction:
    """The reaction; `readers` has the rules, `directory` knows which accounts keep whole addresses."""
    kinds = frozenset({*(kind.kind for kind in _KINDS), MessageRendered.kind, PersonErased.kind})
    decide = partial(_decide, directory, readers)
    return Reaction(name=NAME, kinds=kinds, decide=decide, due=_due, next_due=_next_due)


def judged(reader: Reader, event: str, mode: str = "") -> ReaderJudged:
    """What the rules say of the visit that this event tells of; `mode`: dark or light, where that is known."""
    return ReaderJudged(
        event=event,
        reader=reader.reader,
        reason=reader.reason,
        reliable=reader.reliable,
        mail_client=reader.mail_client,
        mail_client_specific=reader.mail_client_specific,
        rendering_engine=reader.rendering_engine,
        platform=reader.platform,
        mode=mode,
    )


def _decide(
    directory: Directory, readers: Readers, connection: Connection, events: Sequence[AnyEvent], now: int
) -> Sequence[AnyEvent]:
    handed = _handed(connection, events)
    window, ahead, told = Recent(connection), Ahead(connection), Modes(connection)
    told.read(events)
    visits = [
        (event, _seen(directory, readers, event, event.data, handed, told.of(event)))
        for event in events
        if type(event.data) in _KINDS and isinstance(event.data, VisitData)
    ]
    if visits:
        since = min(seen.at for _, seen in visits)
        window.read((seen.about for _, seen in visits), (seen.address for _, seen in visits), since)
        ahead.read((seen.account, seen.about) for _, seen in visits)
    out: list[AnyEvent] = []
    for event, seen in visits:
        _judge(window, ahead, event, seen, now, out)
    for event in modes.marks(events):
        out.extend(_drawn(window, ahead, told, event, now))
    window.write()
    ahead.write()
    told.write()
    for event in events:
        if isinstance(event.data, PersonErased):
            for rows in (recent, modes):
                rows.erase(connection, event.account, subjects.person(event.data.person))
    return out


def _judge(window: Recent, ahead: Ahead, event: AnyEvent, seen: Seen, now: int, out: list[AnyEvent]) -> None:
    window.add(seen)
    found = findings(seen, window.near(seen), window.beside(seen))
    for seen_now, rule in found:
        seen_now.verdict = condemned(seen_now.verdict, rule)
        window.change(seen_now)
        ahead.condemn(seen_now)
    out.append(codec.follow(event, seen.verdict, now=now, at=happened(event)))
    out.extend(_told(event, finding, now) for finding in found if finding.seen is not seen)
    if seen.kind == "open" and is_ahead(seen.verdict):
        ahead.put(seen)
    elif (earlier := ahead.get(seen)) is not None and confirms(seen, earlier):
        ahead.claim(earlier, seen, max(seen.at, now) + SETTLE)


def _drawn(window: Recent, ahead: Ahead, told: Modes, event: AnyEvent, now: int) -> Sequence[AnyEvent]:
    """The verdict on an open once more, for it is known in which colours it was drawn."""
    open_ = told.open_of(event)
    seen = window.find(open_) if open_ is not None else None
    if seen is None or not isinstance(event.data, MessageRendered):
        return ()
    seen.verdict = drawn(seen.verdict, event.data.mode)
    window.change(seen)
    ahead.redraw(seen)
    return (codec.follow(event, seen.verdict, seen.event, now=now, subject=seen.subject, at=happened(event)),)


def _told(cause: AnyEvent, finding: Finding, now: int) -> AnyEvent:
    seen, rule = finding
    return codec.follow(
        cause, seen.verdict, seen.event, rule, now=now, subject=seen.subject, at=happened(cause)
    )


def _due(connection: Connection, now: int) -> Sequence[AnyEvent]:
    ahead, window = Ahead(connection), Recent(connection)
    out: list[AnyEvent] = []
    for earlier, by in ahead.due(now):
        person = window.find(by)
        stands = person is not None and confirms(person, earlier)
        ahead.settle(earlier, free=not stands)
        if stands:
            out.append(_counts(earlier, by, now))
    ahead.write()
    recent.clean(connection, now)
    modes.clean(connection, now)
    return out


def _next_due(connection: Connection) -> int | None:
    instants = (recent.next_due(connection), modes.next_due(connection))
    return min((instant for instant in instants if instant is not None), default=None)


def _counts(earlier: Seen, by: str, now: int) -> AnyEvent:
    verdict = upgraded(earlier.verdict)
    return codec.make(
        verdict,
        account=earlier.account,
        subject=earlier.subject,
        now=now,
        cause=by,
        id=derived_id(by, verdict.kind, earlier.event, LATER),
    )


def _seen(
    directory: Directory,
    readers: Readers,
    event: AnyEvent,
    data: VisitData,
    handed: dict[str, _Handed],
    mode: str,
) -> Seen:
    kind, at = _KINDS[type(data)], happened(event)
    mode = mode or getattr(data, "mode", "")
    visit = Visit(
        kind=kind,
        user_agent=data.user_agent,
        method=getattr(data, "method", "") or "GET",
        address=data.ip,
        network=data.network,
        referrer=data.referrer,
        accept=data.accept,
        purpose=data.purpose,
        after=_after(handed.get(data.message or ""), at),
        mode=mode,
    )
    account = directory.account(event.account)
    whole = account is not None and account.policy.ip == "full"
    return Seen(
        event=event.id,
        account=event.account,
        subject=event.subject,
        kind=kind,
        about=data.message
        or (f"{data.campaign}:{data.custom_id}" if data.campaign and data.custom_id else ""),
        at=at,
        address=data.ip if whole else "",
        agent=_digest(data.user_agent),
        url=_digest(getattr(data, "url", "")),
        name=getattr(data, "name", ""),
        verdict=judged(readers.judge(visit), event.id, mode),
    )


def _after(handed: _Handed | None, at: int) -> float | None:
    """Seconds since the message was handed over; 0 while it was, for some gateways look before they answer."""
    if handed is None or handed.attempted is None or at < handed.attempted:
        return None
    if handed.sent is None or at < handed.sent:
        return 0.0
    return (at - handed.sent) / SECOND


def _handed(connection: Connection, events: Sequence[AnyEvent]) -> dict[str, _Handed]:
    named = (event.data.message for event in events if isinstance(event.data, VisitData))
    rows = _HANDED.rows(connection, filter(None, named))
    return {message: _Handed(attempted, sent) for message, attempted, sent in rows}


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest() if text else ""


_HANDED = QueryOfMany(
    select(MESSAGES.c.id, MESSAGES.c.attempted_at, MESSAGES.c.sent_at).where(
        MESSAGES.c.id.in_(bindparam("wanted", expanding=True))
    )
)
