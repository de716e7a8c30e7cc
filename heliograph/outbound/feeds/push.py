"""Feeds: one act per subscription, which brings each event to its receiver (RM-14, RM-15).

    an event -> filter -> what is known of it (react.state) -> dialect -> sink -> delivered | retry | refused

A subscription is a cursor over the journal, kept by the loop that drives the act; only what failed has a row of
its own. Receivers do not delay one another. Deliveries start in the journal's order and may overtake one another
(the document promises no order). A delivery that is given up becomes a `feed.failed`, and a mail to the
account's administrator at most once an hour for each feed.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from heliograph.accounts.model import Policy
from heliograph.clock import SECOND, iso
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.definitions import FeedFailed
from heliograph.events.event import AnyEvent, Event, derived_id, scoped_id
from heliograph.events.messages import MessageRequested
from heliograph.journal.consumer import Act, Outcome, Retry, Skipped
from heliograph.outbound.feeds import choosing, delivery_log
from heliograph.outbound.feeds.dialect import Context
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.sink import Told
from heliograph.outbound.feeds.sinks import sink_of
from heliograph.outbound.feeds.subscription import Subscription, act_name, served
from heliograph.outbound.feeds.surroundings import surroundings
from heliograph.outbound.feeds.templates import FAILURE_TEMPLATE
from heliograph.react.state import definitions

NOTICE_EVERY = 3600  # seconds: at most one mail in each, per feed

JUDGED_AFTER, JUDGED_TRIES = 0.5, 8
"""Seconds between looks for the verdict on a visit's reader, and how many, for feeds that choose by it."""

log = logging.getLogger("heliograph.feeds")


def feed_acts(means: Means) -> list[Act]:
    """The acts of all active feeds, as saved now; called again whenever a feed was saved, paused or resumed.

    A feed that cannot be served is logged and left out; its cursor waits until it is saved again.
    """
    with means.reading.look() as connection:
        feeds = definitions.feeds(connection)
    acts = []
    for feed in feeds:
        if feed.state != "active":
            continue
        try:
            acts.append(feed_act(feed, means))
        except BadRequest as error:
            log.warning("feed %s of account %s is not served: %s", feed.name, feed.account, error.message)
    return acts


def feed_act(feed: definitions.Feed, means: Means) -> Act:
    """The act of one feed. Raises `BadRequest` when it cannot be served as it was saved."""
    subscription = served(means.settings, feed)
    delivery = _Delivery(subscription, means)
    return Act(
        name=act_name(feed),
        kinds=subscription.kinds,
        perform=delivery.perform,
        schedule=subscription.dialect.schedule,
        concurrency=subscription.options.concurrency,
        born=feed.begun,
        gave_up=delivery.gave_up,
        trips_after=subscription.options.breaker,
        wants=delivery.wants,
        prepare=delivery.prepare,
    )


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One subscription being served."""

    subscription: Subscription
    means: Means

    def wants(self, event: AnyEvent) -> bool:
        """Whether the event is of an account that the feed tells of."""
        feed = self.subscription
        return choosing.of_account(event, feed.account, feed.options, self.means.directory)

    def prepare(self, events: Sequence[AnyEvent]) -> None:
        """Have at hand what is known of these events."""
        means, now = self.means, self.means.clock.monotonic()
        if missing := [event for event in events if not means.recent.has(event, now)]:
            self._look(missing, now)

    async def perform(self, event: AnyEvent, attempt: int) -> Outcome:
        """Tell one event, once."""
        feed, means = self.subscription, self.means
        if not self.wants(event):
            return Skipped()
        context = self._context(event)
        if context.message is not None and context.message.template == FAILURE_TEMPLATE:
            return Skipped()
        if not choosing.of_campaign(event, context):
            return Skipped()
        rendered = feed.dialect.render(event, context)
        if rendered is None:
            return Skipped()
        if feed.options.readers and choosing.is_visit(event):
            reader = await choosing.verdict(means.journal, event)
            if reader is None and attempt <= JUDGED_TRIES:
                return Retry("the reader is not judged yet", JUDGED_AFTER, counts=False)
            if (reader or choosing.judged_now(event, means.readers)) not in feed.options.readers:
                return Skipped()
        told = Told(
            event, rendered, feed.account, feed.endpoint, feed.dialect, feed.options, feed.name, feed.secrets
        )
        return await self._deliver(told, attempt)

    def _context(self, event: AnyEvent) -> Context[Any]:
        """What is known of the event: as it was found just now, by this feed or another, or as state has it."""
        means, now = self.means, self.means.clock.monotonic()
        return means.recent.context(event, self.subscription.options, now) or self._look([event], now)[0]

    def _look(self, events: Sequence[AnyEvent], now: float) -> list[Context[Any]]:
        means = self.means
        with means.reading.look() as connection:
            found = surroundings(connection, events, self.subscription.options, means.readers)
        for event, context in zip(events, found, strict=True):
            means.recent.keep(event, context, now)
        return found

    async def _deliver(self, told: Told, attempt: int) -> Outcome:
        log, clock = self.means.log, self.means.clock
        began = clock.monotonic()
        exchange = await sink_of(told.endpoint).deliver(told, self.means)
        outcome, now = exchange.outcome, clock.now()
        self.means.attempts.ended(told.account, told.feed, outcome)
        if log.wants(told.account, told.feed, outcome, now):
            made = delivery_log.report(
                exchange,
                attempt=attempt,
                topic=told.rendered.topic,
                endpoint=told.endpoint,
                body=told.rendered.body,
                seconds=clock.monotonic() - began,
            )
            log.note(told.account, told.feed, told.event.id, now, made)
        return outcome

    def gave_up(self, event: AnyEvent, why: str, attempts: int) -> Sequence[AnyEvent]:
        """What is recorded when the schedule is used up."""
        feed, now = self.subscription, self.means.clock.now()
        self.means.attempts.given_up(feed.account, feed.name)
        failed = codec.make(
            FeedFailed(name=feed.name, reason=why, event=event.id, attempts=attempts),
            account=feed.account,
            subject=subjects.thing("feed", feed.name),
            now=now,
            cause=event.id,
            id=derived_id(event.id, FeedFailed.kind, feed.account, feed.name),
        )
        account = self.means.directory.account(feed.account)
        if account is None or not account.policy.admin_email:
            return (failed,)
        return (failed, _notice(feed, failed, account.policy, now))


def _notice(feed: Subscription, failed: Event[FeedFailed], policy: Policy, now: int) -> AnyEvent:
    """The mail to the administrator. Its id is that of the feed and the hour, so a second one is not recorded."""
    address, hour = policy.admin_email, now // (NOTICE_EVERY * SECOND)
    return codec.make(
        MessageRequested(
            address=address,
            template=FAILURE_TEMPLATE,
            transactional=True,
            context={
                "failure": {
                    "feed": feed.name,
                    "endpoint": feed.endpoint.partition("?")[0],
                    "event": failed.data.event,
                    "reason": failed.data.reason,
                    "attempts": failed.data.attempts,
                    "at": iso(now),
                }
            },
        ),
        account=feed.account,
        subject=subjects.email(address, keep_case=policy.keep_local_case),
        now=now,
        cause=failed.id,
        id=scoped_id(feed.account, FAILURE_TEMPLATE, f"{feed.name}/{hour}"),
    )
