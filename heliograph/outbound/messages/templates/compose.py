"""A template and what it is filled with -> subject, HTML and text, or the parts of another channel; or what is wrong
with it, and where.

Pure but for the clock that bounds a rendering. What a template sees is made here too (`values`): `person`, `event`
and whatever else the request's context holds, `account`, `unsubscribe_url`,
`preferences_url`, `confirm_url`, `now`. Next comes
`heliograph.outbound.messages.mail.instrument`, then `mime`.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liquid import Markup

from heliograph.accounts.model import Account
from heliograph.clock import Clock, to_datetime
from heliograph.events.consent import Channel
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.outbound.messages.templates.anchors import BodyTag, scan
from heliograph.outbound.messages.templates.inlining import inline
from heliograph.outbound.messages.templates.live import Live
from heliograph.outbound.messages.templates.mjml import Unreadable, convert
from heliograph.outbound.messages.templates.parts import Part
from heliograph.outbound.messages.templates.plaintext import from_html
from heliograph.outbound.messages.templates.sandbox import (
    HTML,
    MESSAGE_LIMIT,
    SOURCE_LIMIT,
    TEXT,
    Source,
    parse,
)
from heliograph.react.state.people import Person

Key = tuple[str, str, int]
"""Which template: account, name, version. What a key stands for never changes."""

CACHE_LIMIT = 256
"""Parsed templates that are kept; one of 60 kB takes about 2 MB."""
SUBJECT_LIMIT = 500
"""Characters of a subject; clients show 40 to 150."""

PERSON_FIELDS = (
    "id",
    "email",
    "customer_id",
    "phone",
    "first_name",
    "last_name",
    "accepts_marketing",
    "tags",
)
"""What every person has, if only empty."""
ACCOUNT_FIELDS = ("number", "store_id", "name", "from_name", "from_address", "postal_address")
"""What templates see of the account."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_PREHEADER = (
    '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;'
    'font-size:1px;line-height:1px;color:transparent;mso-hide:all">'
)


class Composed(NamedTuple):
    """What the recipient will read. `html` is None for a template of text alone."""

    subject: str
    html: str | None
    text: str


class Parsed(NamedTuple):
    """One channel's parts of a template, and whether the HTML shows the preheader where it wants it."""

    sources: tuple[tuple[str, str, Source], ...]
    """Name (`html` also for what was MJML), what errors call it, and the part."""
    places_preheader: bool


class Composer:
    """Renders templates, keeping the parsed ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[tuple[Key, Channel], Parsed | tuple[RenderError, ...]] = OrderedDict()

    def compose(
        self,
        key: Key,
        parts: Mapping[str, str],
        filling: Mapping[str, object],
        live: Live | None = None,
        *,
        inlined: bool = True,
    ) -> Composed | tuple[RenderError, ...]:
        """The mail for these values, or everything that is wrong with it. `live`: where live pictures are; `inlined`:
        whether rules of `style` elements are put into the tags."""
        parsed = self._parsed(key, parts, "email", inlined=inlined)
        if not isinstance(parsed, Parsed):
            return parsed
        rendered = self._rendered(parsed, filling, live)
        return rendered if isinstance(rendered, tuple) else _joined(rendered, parsed.places_preheader)

    def words(
        self, key: Key, parts: Mapping[str, str], channel: Channel, filling: Mapping[str, object]
    ) -> dict[str, str] | tuple[RenderError, ...]:
        """The parts of a channel (`sms`; `push_title`, `push_body`) for these values, by their names, or everything
        that is wrong with them."""
        parsed = self._parsed(key, parts, channel)
        return self._rendered(parsed, filling, None) if isinstance(parsed, Parsed) else parsed

    def _rendered(
        self, parsed: Parsed, filling: Mapping[str, object], live: Live | None
    ) -> dict[str, str] | tuple[RenderError, ...]:
        rendered: dict[str, str] = {}
        errors: list[RenderError] = []
        for name, shown, source in parsed.sources:
            text = source.render(filling, self._clock, shown, live)
            if isinstance(text, RenderError):
                errors.append(text)
            else:
                rendered[name] = text
            if name == parts_of.PREHEADER:  # its values were escaped when it was rendered
                filling = {**filling, name: Markup(text if isinstance(text, str) else "")}
        return tuple(errors) if errors else rendered

    def _parsed(
        self, key: Key, parts: Mapping[str, str], channel: Channel, *, inlined: bool = True
    ) -> Parsed | tuple[RenderError, ...]:
        found = self._kept.get((key, channel))
        if found is None:
            found = self._kept[key, channel] = parse_parts(parts, channel, inlined=inlined)
            if len(self._kept) > CACHE_LIMIT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end((key, channel))
        return found


def parse_parts(
    parts: Mapping[str, str], channel: Channel = "email", *, inlined: bool = True
) -> Parsed | tuple[RenderError, ...]:
    """The parsed parts of a template for a channel, or everything that is wrong with them. What costs much and is the
    same for every message is done here: MJML becomes HTML, rules of styles go into the tags."""
    sources: list[tuple[str, str, Source]] = []
    errors: list[RenderError] = []
    for part in parts_of.of(channel):
        if part.name in parts:
            source = _parse(part, parts[part.name], inlined=inlined)
            if isinstance(source, RenderError):
                errors.append(source)
            else:
                name = parts_of.HTML if part.name == parts_of.MJML else part.name
                sources.append((name, part.shown, source))
    errors += (
        RenderError(code="Template incomplete", message=why, part=shown)
        for shown, why in parts_of.missing(channel, parts)
    )
    if errors:
        return tuple(errors)
    placing = any(
        name == parts_of.HTML and source.mentions(parts_of.PREHEADER) for name, _, source in sources
    )
    return Parsed(tuple(sources), placing)


def _parse(part: Part, text: str, *, inlined: bool) -> Source | RenderError:
    environment = HTML if part.escaped else TEXT
    if len(text) > SOURCE_LIMIT:  # refused as it was written: nothing is made of it first
        return parse(text, environment, part.shown)
    if part.name == parts_of.MJML:
        made = convert(text)
        if isinstance(made, Unreadable):
            return RenderError(
                code="Template syntax error",
                message=made.message[:MESSAGE_LIMIT],
                part=part.shown,
                line=made.line,
                column=made.column,
            )
        return parse(made[0], environment, part.shown, made[1])
    if part.name == parts_of.HTML and inlined:
        html, origin = inline(text)
        return parse(html, environment, part.shown, origin)
    return parse(text, environment, part.shown)


def values(
    requested: MessageRequested, person: Person | None, account: Account, now: int, urls: Mapping[str, str]
) -> dict[str, object]:
    """What a template sees. Our own names win over those of the context; every known field of a person is there,
    empty where nothing is known, so that only names that nobody ever defined are errors."""
    zone = _zone(account.policy.time_zone)
    instant = to_datetime(now).astimezone(zone)
    return {
        **requested.context,
        "person": _person(requested, person),
        "account": _account(account),
        "now": instant,
        "today": instant,
        **urls,
    }


def one_line(text: str) -> str:
    """Text that fits into a header: nothing in it can begin another one (RFC 5322 section 2.2)."""
    return " ".join(_CONTROLS.sub(" ", text).split())[:SUBJECT_LIMIT]


def _joined(rendered: Mapping[str, str], places_preheader: bool) -> Composed:
    html = rendered.get("html")
    text = rendered["text"] if "text" in rendered else from_html(html or "")
    if html is not None and rendered.get("preheader") and not places_preheader:
        html = _with_preheader(html, rendered["preheader"])
    return Composed(one_line(rendered["subject"]), html, text)


def _with_preheader(html: str, preheader: str) -> str:
    place = next((tag.end for tag in scan(html) if isinstance(tag, BodyTag) and not tag.closing), 0)
    return f"{html[:place]}{_PREHEADER}{preheader}</div>{html[place:]}"


def _person(requested: MessageRequested, person: Person | None) -> dict[str, Any]:
    if person is None:
        return dict.fromkeys(PERSON_FIELDS) | {"email": requested.address, "tags": []}
    known = {field: getattr(person, field) for field in PERSON_FIELDS}
    return {**person.document, **known, "email": person.email or requested.address, "tags": list(person.tags)}


def _account(account: Account) -> dict[str, Any]:
    policy = account.policy
    return {
        name: getattr(account if name in Account.__struct_fields__ else policy, name)
        for name in ACCOUNT_FIELDS
    }


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
