"""What of the stream one feed is told: of which accounts, campaigns and readers.

Kinds are chosen before (the act reads no others). A feed that chooses by readers is told an open or click once its
reader is judged (`reader.judged`), which follows within moments; nothing is dropped from the journal, so another feed
may have what this one leaves out.
"""

from __future__ import annotations

from heliograph.accounts.directory import Directory
from heliograph.events.codec import decode
from heliograph.events.engagement import LinkClicked, MessageOpened, ReaderJudged
from heliograph.events.event import AnyEvent
from heliograph.journal.journal import JournalView
from heliograph.outbound.feeds.dialect import Context, Options
from heliograph.readers import ReaderClass, Readers, Visit, VisitKind

EVERY = "*"
"""All sub-accounts of the feed's account."""

LOOKED_THROUGH = 100
"""Latest events of a subject among which the verdict on a visit is looked for."""


def of_account(event: AnyEvent, account: str, options: Options, directory: Directory) -> bool:
    """Whether the event is of the feed's account, or of one of its sub-accounts that it wants too."""
    if event.account == account:
        return True
    if not options.accounts or not (EVERY in options.accounts or event.account in options.accounts):
        return False
    theirs = directory.account(event.account)
    return theirs is not None and theirs.parent == account


def of_campaign(event: AnyEvent, context: Context[Options]) -> bool:
    """Whether the event belongs to one of the campaigns that the feed wants: a campaign's number, or the GUID of a
    tracking code."""
    wanted = context.options.only_campaigns
    if not wanted:
        return True
    campaign = context.message.campaign if context.message else None
    number = campaign is not None and str(campaign.id) in wanted
    return number or getattr(event.data, "campaign", None) in wanted


def is_visit(event: AnyEvent) -> bool:
    """Whether its reader is judged by an event that comes later."""
    return isinstance(event.data, MessageOpened | LinkClicked)


async def verdict(journal: JournalView, event: AnyEvent) -> ReaderClass | None:
    """The latest verdict on who made this visit; None: there is none yet."""
    for entry in await journal.latest([event.subject], account=event.account, limit=LOOKED_THROUGH):
        if entry.kind != ReaderJudged.kind:
            continue
        data = decode(entry).data
        if isinstance(data, ReaderJudged) and data.event == event.id:
            return data.reader
    return None


def judged_now(event: AnyEvent, readers: Readers) -> ReaderClass:
    """What the visit alone tells, for one whose verdict does not come."""
    data = event.data
    if not isinstance(data, MessageOpened | LinkClicked):
        return "unknown"
    kind: VisitKind = "open" if isinstance(data, MessageOpened) else "click"
    visit = Visit(kind=kind, user_agent=data.user_agent, network=data.network, referrer=data.referrer)
    return readers.judge(visit).reader
