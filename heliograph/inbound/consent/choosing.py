"""The preference page, `/p/{token}`: topics, channels, a pause, or everything at once.

GET shows, POST changes, and what a POST changes is what differs from what the person saw or from what is known: state
may be a moment behind their last click. Choices are recorded with the address that they are about. Who is told by a
mail's link to be its reader may choose for that address; a number that joins texts is asked there, as everywhere
(`subscription.requested`), for the mail does not prove whose phone it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from heliograph.accounts.directory import Directory
from heliograph.clock import SECOND, Clock, to_datetime
from heliograph.errors import Unavailable
from heliograph.events.consent import (
    Channel,
    SubscriptionConfirmed,
    SubscriptionRequested,
    UnsubscriptionRequested,
)
from heliograph.events.event import Data
from heliograph.events.preferences import PREFERENCE_PAGE, MarketingPaused, SubscriptionTopicChosen
from heliograph.inbound.consent import pages
from heliograph.inbound.consent.known import Known, known
from heliograph.inbound.consent.pages import Choices, Look, Topic
from heliograph.inbound.consent.wishing import (
    Fields,
    fields_of,
    ip_of,
    is_look,
    record,
    seen_at,
    sender_of,
    user_agent,
)
from heliograph.inbound.consent.wording import Wordings
from heliograph.inbound.consent.words import preferred
from heliograph.journal.journal import Journal
from heliograph.refs import ForgedRef, MessageRef, Refs
from heliograph.web.http import Reply, Request

PAUSE_DAYS = 30
DAY = 86_400 * SECOND

Wish = tuple[Data, str]
"""A wish, and what tells it from others of its kind on the same page."""


@dataclass(frozen=True, slots=True)
class Chooser:
    """The door."""

    directory: Directory
    refs: Refs
    journal: Journal
    clock: Clock
    state: Engine
    wordings: Wordings

    async def answer(self, request: Request) -> Reply:
        """The page, or what was chosen on it."""
        accept = request.header("accept-language")
        try:
            token = request.path[3:]
            ref = self.refs.read_unsubscribe(token)._replace(only_topic=False)
        except ForgedRef:
            common = self.wordings.common
            return pages.unknown_link(preferred(accept, among=common.languages), common)
        looking, now = is_look(request), self.clock.now()
        who = await self._known(ref)
        wording = self.wordings.of(ref.account)
        language = preferred(accept, who.language if who else "", among=wording.languages)
        look = Look(language, sender_of(self.directory, ref), now, token, wording)
        if who is None:
            return pages.unknown_link(language, wording)
        fields = {} if looking else await fields_of(request)
        if "seen" not in fields:
            return pages.preferences(look, _standing(look, who, now))
        trace = _Trace(ref.message, ip_of(self.directory, ref, request), user_agent(request))
        await record(self.journal, ref, list(_wishes(who, fields, trace, now)), seen_at(fields), now)
        return _done(look, who, fields, now)

    async def _known(self, ref: MessageRef) -> Known | None:
        try:
            return await known(self.state, ref)
        except SQLAlchemyError as error:
            raise Unavailable("The state database cannot be read.", retry_after=1) from error


@dataclass(frozen=True, slots=True)
class _Trace:
    """How a wish came, and the ways to say what is wished."""

    message: str
    ip: str
    user_agent: str

    def leave(self, channel: Channel, address: str) -> Wish:
        wish = UnsubscriptionRequested(
            channel=channel,
            address=address,
            message=self.message,
            how=PREFERENCE_PAGE,
            ip=self.ip,
            user_agent=self.user_agent,
        )
        return wish, channel

    def join(self, channel: Channel, address: str) -> Wish:
        wish = SubscriptionConfirmed(
            channel=channel,
            address=address,
            message=self.message,
            ip=self.ip,
            user_agent=self.user_agent,
        )
        return wish, channel

    def pause(self, channel: Channel, address: str, until: int) -> Wish:
        wish = MarketingPaused(
            channel=channel,
            address=address,
            until=until,
            message=self.message,
            how=PREFERENCE_PAGE,
            ip=self.ip,
            user_agent=self.user_agent,
        )
        return wish, str(until)

    def choose(self, channel: Channel, address: str, topic: str, *, wanted: bool) -> Wish:
        choice = SubscriptionTopicChosen(
            channel=channel,
            address=address,
            topic=topic,
            wanted=wanted,
            message=self.message,
            how=PREFERENCE_PAGE,
            ip=self.ip,
            user_agent=self.user_agent,
        )
        return choice, f"{topic} {wanted}"


def _wishes(who: Known, fields: Fields, trace: _Trace, now: int) -> Iterator[Wish]:
    """What follows from a form of ours."""
    match fields.get("do"):
        case ["leave_all"]:
            yield trace.leave(who.channel, who.address)
            if who.phone:
                yield trace.leave("sms", who.phone)
        case ["pause"]:
            yield trace.pause(who.channel, who.address, now + PAUSE_DAYS * DAY)
        case ["resume"]:
            yield trace.pause(who.channel, who.address, now)
        case _:
            yield from _channels(who, fields, trace)
            yield from _topics(who, fields, trace)


def _channels(who: Known, fields: Fields, trace: _Trace) -> Iterator[Wish]:
    wanted = "here" in fields
    if wanted != ("was_here" in fields) or wanted != who.subscribed:
        change = trace.join if wanted else trace.leave
        yield change(who.channel, who.address)
    texts = "sms" in fields
    if who.phone and (texts != ("was_sms" in fields) or texts != who.texted):
        if texts:
            yield SubscriptionRequested(phone=who.phone, ip=trace.ip, source=PREFERENCE_PAGE), "sms"
        else:
            yield trace.leave("sms", who.phone)


def _topics(who: Known, fields: Fields, trace: _Trace) -> Iterator[Wish]:
    """Only what was on the page that they saw: a topic that is new since then was not left."""
    shown, was, chosen = (set(fields.get(name, ())) for name in ("shown", "was_topic", "topic"))
    for topic in who.topics:
        wanted = topic.name in chosen
        known_as = who.said.choices.get(topic.name, topic.default)
        if topic.name in shown and (wanted != (topic.name in was) or wanted != known_as):
            yield trace.choose(who.channel, who.address, topic.name, wanted=wanted)


def _standing(look: Look, who: Known, now: int) -> Choices:
    """How it stands, as state knows it."""
    return Choices(
        address=_masked(who.address),
        topics=[
            Topic(
                topic.name,
                topic.title(look.language),
                topic.description(look.language),
                who.said.choices.get(topic.name, topic.default),
            )
            for topic in who.topics
        ],
        channel=who.channel,
        here=who.subscribed,
        sms=who.texted if who.phone else None,
        paused=_date(who.said.paused_until) if who.said.paused_until > now else "",
    )


def _done(look: Look, who: Known, fields: Fields, now: int) -> Reply:
    """The page again, as it was left, with what was done: state may not know it yet."""
    choices = _standing(look, who, now)
    match fields.get("do"):
        case ["leave_all"]:
            left = choices._replace(here=False, sms=None if choices.sms is None else False)
            return pages.preferences(look, left, look.say("left_all"))
        case ["pause"]:
            until = _date(now + PAUSE_DAYS * DAY)
            return pages.preferences(look, choices._replace(paused=until), look.say("paused", date=until))
        case ["resume"]:
            return pages.preferences(look, choices._replace(paused=""), look.say("resumed"))
    chosen = set(fields.get("topic", ()))
    saved = choices._replace(
        here="here" in fields,
        sms=None if choices.sms is None else "sms" in fields,
        topics=[topic._replace(wanted=topic.name in chosen) for topic in choices.topics],
    )
    return pages.preferences(look, saved, look.say("saved"))


def _masked(address: str) -> str:
    """Enough for its owner to know it, and too little for whoever the mail was forwarded to."""
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else f"…{address[-3:]}"


def _date(instant: int) -> str:
    return to_datetime(instant).strftime("%Y-%m-%d")
