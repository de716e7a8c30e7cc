"""A template and what it is filled with -> subject, HTML and text; or what is wrong with it, and where.

Pure but for the clock that bounds a rendering. What a template sees is made here too (`values`): `person`, `event`
and whatever else the request's context holds, `account`, `unsubscribe_url`,
`preferences_url`, `confirm_url`, `now`. Next comes
`heliograph.outbound.messages.instrument`, then `mime`.
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
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.messages.anchors import BodyTag, scan
from heliograph.outbound.messages.live import Live
from heliograph.outbound.messages.plaintext import from_html
from heliograph.outbound.messages.sandbox import HTML, TEXT, Sandbox, Source, parse
from heliograph.react.state.people import Person

Key = tuple[str, str, int]
"""Which template: account, name, version. What a key stands for never changes."""

CACHE_LIMIT = 256
"""Parsed templates that are kept; one of 60 kB takes about 2 MB."""
SUBJECT_LIMIT = 500
"""Characters of a subject; clients show 40 to 150."""

_PARTS: tuple[tuple[str, str, Sandbox], ...] = (
    ("subject", "SUBJECT", TEXT),
    ("preheader", "PREHEADER", HTML),
    ("html", "BODY", HTML),
    ("text", "TEXT", TEXT),
)
"""The parts of an e-mail template, what they are called in errors (S1:L268), and how values are escaped."""

_PERSON_FIELDS = (
    "id",
    "email",
    "customer_id",
    "phone",
    "first_name",
    "last_name",
    "accepts_marketing",
    "tags",
)
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
    """A template's parts, and whether its HTML shows the preheader where it wants it."""

    sources: dict[str, Source]
    places_preheader: bool


class Composer:
    """Renders templates, keeping the parsed ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[Key, Parsed | tuple[RenderError, ...]] = OrderedDict()

    def compose(
        self,
        key: Key,
        parts: Mapping[str, str],
        filling: Mapping[str, object],
        live: Live | None = None,
    ) -> Composed | tuple[RenderError, ...]:
        """The mail for these values, or everything that is wrong with it. `live`: where live pictures are."""
        parsed = self._parsed(key, parts)
        if not isinstance(parsed, Parsed):
            return parsed
        rendered: dict[str, str] = {}
        errors: list[RenderError] = []
        for part, shown, _ in _PARTS:
            if part not in parsed.sources:
                continue
            text = parsed.sources[part].render(filling, self._clock, shown, live)
            if isinstance(text, RenderError):
                errors.append(text)
            else:
                rendered[part] = text
            if part == "preheader":  # its values were escaped when it was rendered
                filling = {**filling, "preheader": Markup(text if isinstance(text, str) else "")}
        return tuple(errors) if errors else _joined(rendered, parsed.places_preheader)

    def _parsed(self, key: Key, parts: Mapping[str, str]) -> Parsed | tuple[RenderError, ...]:
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = parse_parts(parts)
            if len(self._kept) > CACHE_LIMIT:
                self._kept.popitem(last=False)
        else:
            self._kept.move_to_end(key)
        return found


def parse_parts(parts: Mapping[str, str]) -> Parsed | tuple[RenderError, ...]:
    """The parsed parts of an e-mail template, or everything that is wrong with them."""
    sources: dict[str, Source] = {}
    errors: list[RenderError] = []
    for part, shown, environment in _PARTS:
        if part in parts:
            source = parse(parts[part], environment, shown)
            if isinstance(source, RenderError):
                errors.append(source)
            else:
                sources[part] = source
    if "subject" not in parts:
        errors.append(RenderError(code="Template incomplete", message="there is no subject", part="SUBJECT"))
    if "html" not in parts and "text" not in parts:
        errors.append(RenderError(code="Template incomplete", message="there is neither html nor text"))
    if errors:
        return tuple(errors)
    return Parsed(sources, "html" in sources and sources["html"].mentions("preheader"))


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
        return dict.fromkeys(_PERSON_FIELDS) | {"email": requested.address, "tags": []}
    known = {field: getattr(person, field) for field in _PERSON_FIELDS}
    return {**person.document, **known, "email": person.email or requested.address, "tags": list(person.tags)}


def _account(account: Account) -> dict[str, Any]:
    policy = account.policy
    return {
        "number": account.number,
        "store_id": account.store_id,
        "name": account.name,
        "from_name": policy.from_name,
        "from_address": policy.from_address,
        "postal_address": policy.postal_address,
    }


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC
