"""A request for a text or push message, what is known, and an account -> a finished one; or what is missing.

The counterpart of `making.letters` for everything that is no mail: composes the channel's parts, makes links short, counts,
and finds the provider that the account uses. Pure but for the composer's cache and clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.bounces.undelivered import PUSHES, TEXTS
from heliograph.clock import Clock
from heliograph.errors import OperatorError
from heliograph.events.consent import Channel
from heliograph.events.event import Event
from heliograph.events.messages import (
    LinksShortened,
    MessageRequested,
    MessageSent,
    RenderError,
    ShortLink,
)
from heliograph.outbound.messages.channels.channel import NotDelivered
from heliograph.outbound.messages.channels.providers import PROVIDERS
from heliograph.outbound.messages.channels.providers.provider import Provider, Push, Text, options_of
from heliograph.outbound.messages.facts.look import Facts, topic_of
from heliograph.outbound.messages.facts.lookups import RECORDS, Lookups, Sources
from heliograph.outbound.messages.mail.instrument import confirm_url, preferences_url, unsubscribe_url
from heliograph.outbound.messages.making.letters import (
    Failed,
    Undeliverable,
    among_many,
    leaving,
    no_template,
    reference,
    tracked,
)
from heliograph.outbound.messages.templates.compose import Composer, values
from heliograph.outbound.messages.templates.sandbox import TEXT, Source, parse
from heliograph.outbound.messages.texts.note import Note
from heliograph.outbound.messages.texts.segments import Count, count
from heliograph.outbound.messages.texts.short_links import shorten
from heliograph.phones import country, e164
from heliograph.react.state.definitions import Template
from heliograph.refs import MessageRef, Refs

UNKNOWN_COUNTRY = "?"
"""In `sms_countries`: numbers of no country that we know."""

Drafted = Note | NotDelivered | Undeliverable | Failed


class Chosen(NamedTuple):
    """Which provider takes it, and how it is asked."""

    provider: Provider
    options: Any


class TextDesk:
    """Where texts and push messages are written. `base`: what our URLs begin with; `short`: what short links begin with,
    where that is something else."""

    def __init__(
        self, composer: Composer, refs: Refs, directory: Directory, clock: Clock, base: str, short: str = ""
    ) -> None:
        self._composer, self._refs, self._directory, self._clock = composer, refs, directory, clock
        self._base, self._short = base, short or base

    def draft(self, event: Event[MessageRequested], facts: Facts, account: Account, now: int) -> Drafted:
        """The message that was asked for, as of `now` (microseconds)."""
        template = facts.template
        if template is None:
            return Failed((no_template(event.data),))
        wanted = event.data
        why = _no_number(wanted.address, account) if wanted.channel == "sms" else _no_device(facts)
        if why is not None:
            return why
        service = facts.device.service if facts.device is not None else ""
        chosen = self._provider(account, wanted.channel, service)
        if isinstance(chosen, Undeliverable):
            return chosen
        lookups = Lookups(facts.record)
        filling = {**self._filling(event, facts, template, account, now), RECORDS: Sources(lookups)}
        key = (account.number, template.name, template.version)
        words = self._composer.words(key, template.parts, wanted.channel, filling)
        if isinstance(words, tuple):
            return Failed(words, lookups.told(event, now))
        if wanted.channel == "sms":
            written = self._text(event, facts, account, chosen, words["sms"], template)
        else:
            written = self._push(event, facts, account, chosen, words, template, filling)
        looked = lookups.told(event, now)
        if isinstance(written, Failed):
            return Failed(written.errors, looked)
        return written._replace(looked=looked)

    def _text(
        self,
        event: Event[MessageRequested],
        facts: Facts,
        account: Account,
        chosen: Chosen,
        words: str,
        template: Template,
    ) -> Note | Failed:
        urls: tuple[str, ...] = ()
        body = words.strip()
        if template.settings.get("shorten_links", account.policy.shorten_links) is True:
            body, urls = shorten(body, lambda link: self._link(event.id, link), (self._base, self._short))
        counted = count(body)
        if (error := _unfit(body, counted, account.policy.sms_segments)) is not None:
            return Failed((error,))
        recipient = e164(event.data.address) or event.data.address
        text = Text(
            *chosen,
            message=event.id,
            recipient=recipient,
            body=body,
            callback=self._callback(event, account, chosen),
        )
        sent = MessageSent(
            message=event.id,
            channel="sms",
            address=event.data.address,
            via=chosen.provider.name,
            size=len(text.content),
            sender=chosen.provider.sender(chosen.options) or None,
            body=body,
            characters=counted.characters,
            segments=counted.segments,
            country=country(recipient),
            is_test=event.data.is_test,
            template_version=template.version,
            topic=topic_of(event.data, template),
        )
        return Note(text, sent, self._shortened(event, facts, account, urls))

    def _push(
        self,
        event: Event[MessageRequested],
        facts: Facts,
        account: Account,
        chosen: Chosen,
        words: Mapping[str, str],
        template: Template,
        filling: Mapping[str, object],
    ) -> Note | Failed:
        extras = _extras(template, filling, self._clock)
        if isinstance(extras, Failed):
            return extras
        link = extras.pop("push_link", "")
        data = {name.removeprefix("push_data."): value for name, value in extras.items() if "." in name}
        data = {
            **data,
            "message": event.id,
            **({"link": link, "click": self._link(event.id, 0)} if link else {}),
        }
        push = _pushed(chosen, event.id, facts, template, words, data, extras.get("push_collapse", ""))
        sent = MessageSent(
            message=event.id,
            channel="push",
            address=event.data.address,
            via=chosen.provider.name,
            size=len(push.content),
            subject=push.title or None,
            body=push.body,
            is_test=event.data.is_test,
            template_version=template.version,
            topic=topic_of(event.data, template),
        )
        return Note(push, sent, self._shortened(event, facts, account, (link,) if link else ()))

    def _filling(
        self, event: Event[MessageRequested], facts: Facts, template: Template, account: Account, now: int
    ) -> dict[str, object]:
        ref = reference(event, facts)
        leave = leaving(ref, event.data, template, account.policy)
        urls = {
            "unsubscribe_url": unsubscribe_url(leave, self._refs, self._base),
            "preferences_url": preferences_url(ref, self._refs, self._base),
            "confirm_url": confirm_url(ref, self._refs, self._base),
        }
        return {**facts.objects, **values(event.data, facts.person, account, now, urls)}

    def _link(self, message: str, link: int) -> str:
        return f"{self._short}/s/{self._refs.short(message, link)}"

    def _callback(self, event: Event[MessageRequested], account: Account, chosen: Chosen) -> str:
        mark = self._refs.bounce(event.account, event.id)
        return f"{self._base}/receipts/{chosen.provider.name}/{account.store_id}?message={mark}"

    def _shortened(
        self, event: Event[MessageRequested], facts: Facts, account: Account, urls: tuple[str, ...]
    ) -> LinksShortened | None:
        if not urls:
            return None
        seen: MessageRef = reference(event, facts)
        if not tracked(facts, account.policy):
            seen = among_many(event)
        links = tuple(ShortLink(code=self._refs.short(event.id, n), url=url) for n, url in enumerate(urls))
        return LinksShortened(
            message=seen.message,
            channel=event.data.channel,
            person=seen.person,
            aggregate=seen.aggregate,
            links=links,
        )

    def _provider(self, account: Account, channel: Channel, service: str) -> Chosen | Undeliverable:
        """The first provider for this that the account has a key of; the newest key of it."""
        keys = self._directory.keys(account.number, "channel")
        fitting = [one for one in PROVIDERS if one.carries == channel and one.service == service]
        for provider in fitting:
            for key in keys:
                if key.public == provider.name:
                    try:
                        return Chosen(provider, options_of(provider, key.secret))
                    except OperatorError as error:
                        return Undeliverable(str(error))
        names = " or ".join(one.name for one in fitting) or f"anything that reaches devices of {service}"
        return Undeliverable(
            f"account {account.number} has no key for {names}: "
            f"`heliograph keys add channel --login NAME --secret-from FILE --account {account.number}`"
        )


def _pushed(
    chosen: Chosen,
    message: str,
    facts: Facts,
    template: Template,
    words: Mapping[str, str],
    data: Mapping[str, str],
    collapse: str,
) -> Push:
    device, ttl = facts.device, template.settings.get("push_ttl")
    assert device is not None  # noqa: S101 - asked before
    return Push(
        *chosen,
        message=message,
        device=device.device,
        application=device.application,
        registered=device.registered,
        title=words.get("push_title", "").strip(),
        body=words["push_body"].strip(),
        data=data,
        collapse=collapse,
        ttl=ttl if isinstance(ttl, int) and not isinstance(ttl, bool) and ttl >= 0 else None,
    )


def _unfit(body: str, counted: Count, limit: int) -> RenderError | None:
    """Why this is no text to be sent."""
    if not body:
        return RenderError(code="Text empty", message="the text says nothing", part="BODY")
    if not limit or counted.segments <= limit:
        return None
    said = f"the text takes {counted.segments} short messages in {counted.encoding}; sms_segments is {limit}"
    return RenderError(code="Text too long", message=said, part="BODY")


def _no_number(address: str, account: Account) -> NotDelivered | None:
    """Why no text goes there, before anybody is asked."""
    number = e164(address)
    if number is None:
        return NotDelivered(TEXTS["INVALID_ADDRESS"], "no phone number with its country code")
    allowed = {one.strip().upper() for one in account.policy.sms_countries}
    if allowed and (country(number) or UNKNOWN_COUNTRY) not in allowed:
        where = country(number) or "of no known country"
        return NotDelivered(
            TEXTS["INTERNATIONAL_SENDING_PROHIBITED"], f"a number {where}: sms_countries does not have it"
        )
    return None


def _no_device(facts: Facts) -> NotDelivered | None:
    return (
        None if facts.device is not None else NotDelivered(PUSHES["EXPIRED"], "the device is not registered")
    )


def _extras(template: Template, filling: Mapping[str, object], clock: Clock) -> dict[str, str] | Failed:
    """What a template's settings say beside the words, filled in: `push_link`, `push_collapse`, `push_data.NAME`."""
    data = template.settings.get("push_data")
    sources = {name: template.settings.get(name) for name in ("push_link", "push_collapse")}
    sources |= {
        f"push_data.{name}": value for name, value in (data.items() if isinstance(data, dict) else ())
    }
    found: dict[str, str] = {}
    for name, written in sources.items():
        if not isinstance(written, str):
            continue
        source = _parsed(written, name.upper())
        text = (
            source if isinstance(source, RenderError) else source.render(filling, clock, name.upper(), None)
        )
        if isinstance(text, RenderError):
            return Failed((text,))
        if text.strip():
            found[name] = text.strip()
    return found


@lru_cache(maxsize=512)
def _parsed(written: str, shown: str) -> Source | RenderError:
    return parse(written, TEXT, shown)
