"""Make a mail tell what becomes of it: tracked links and the tracking code, and nothing else changed.

Only the values of `href` change, and the code is put in at the end; every other character stays where and what it was.
The destinations travel inside the signed references (`heliograph.refs`), so `inbound.tracking` redirects without
looking anything up. Links in the plain-text part stay as they are: a reference is three lines long, and whoever
reads text wants to see where a link leads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from typing import NamedTuple

from heliograph.events.engagement import TRAP
from heliograph.hooks import image, tracking_code
from heliograph.outbound.messages.templates.anchors import BodyTag, scan
from heliograph.refs import ClickRef, MessageRef, Refs
from heliograph.url_parameters import Parameter, extended

OPEN_PATH = "/o/"
CLICK_PATH = "/c/"
UNSUBSCRIBE_PATH = "/u/"
CONFIRM_PATH = "/k/"
PREFERENCES_PATH = "/p/"
WEB_COPY_PATH = "/w/"
OWN_PATHS = (OPEN_PATH, CLICK_PATH, UNSUBSCRIBE_PATH, CONFIRM_PATH, PREFERENCES_PATH, WEB_COPY_PATH)
"""Links that lead to these paths of ours are not tracked again."""

URL_LIMIT = 2048
"""Characters of a destination that is tracked; with its signature a longer one is cut by some mail clients."""
LINK_LIMIT = 65_535
"""Links of one message that are tracked: a reference has two bytes for a link's place."""

_HTTP = re.compile(r"https?://[^/?#\s]", re.IGNORECASE)
_INVISIBLE = str.maketrans("", "", "\t\r\n")  # browsers drop these from URLs (WHATWG URL 4.4)
_CONTROLS = "".join(map(chr, range(0x21)))


class Change(NamedTuple):
    """One replacement: the text from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


class _Destination(NamedTuple):
    """Where a link leads, and what it is called."""

    url: str
    name: str


def instrument(
    html: str,
    ref: MessageRef,
    refs: Refs,
    base: str,
    *,
    trap: bool = False,
    hooks: bool = True,
    append: tuple[Parameter, ...] = (),
) -> str:
    """The HTML with tracked links and the tracking code. `base`: what our URLs begin with, without a slash at the end.
    `trap`: also with the hidden link, whose follower is no person (STD-6). Without `hooks` the code is the pixel alone,
    which tells of opens and of nothing else. `append`: what links lead with."""
    return apply(html, changes(html, ref, refs, base, trap=trap, hooks=hooks, append=append))


def changes(
    html: str,
    ref: MessageRef,
    refs: Refs,
    base: str,
    *,
    trap: bool = False,
    hooks: bool = True,
    append: tuple[Parameter, ...] = (),
) -> list[Change]:
    """What `instrument` changes, in the order of the text."""
    first: str | None = None
    own = tuple((base + path).lower() for path in OWN_PATHS)
    made: list[Change] = []
    end = len(html)
    click_url = escape(base + CLICK_PATH)  # a reference needs no escaping: it has the letters of base64url
    for found in scan(html):
        if isinstance(found, BodyTag):
            end = found.start if found.closing else end
        elif len(made) < LINK_LIMIT and (to := _destination(found[2:], own)):
            url = _extended(to.url, append)
            first = first or url
            click = ClickRef(ref, len(made), to.name, url)
            made.append(Change(found.start, found.end, click_url + refs.click(click)))
    hidden = hidden_link(ClickRef(ref, len(made), TRAP, first), refs, base) if trap and first else ""
    made.append(Change(end, end, hidden + _code(ref, refs, base, hooks=hooks)))
    return sorted(made, key=lambda change: change.start)


def apply(html: str, made: list[Change]) -> str:
    """The text with these replacements, which are in order and do not overlap."""
    return "".join(_pieces(html, made))


def hidden_link(click: ClickRef, refs: Refs, base: str) -> str:
    """The link that no person can see and no screen reader reads out. It leads where the mail's first link leads, so
    that whoever finds it lands well."""
    url = escape(f"{base}{CLICK_PATH}{refs.click(click)}")
    return f'<a href="{url}" rel="nofollow" tabindex="-1" aria-hidden="true" style="display:none;mso-hide:all"></a>'


def unsubscribe_url(ref: MessageRef, refs: Refs, base: str) -> str:
    """Where a recipient withdraws: the page for people, and for machines by RFC 8058."""
    return f"{base}{UNSUBSCRIBE_PATH}{refs.unsubscribe(ref)}"


def confirm_url(ref: MessageRef, refs: Refs, base: str) -> str:
    """Where a recipient confirms a subscription (double opt-in)."""
    return f"{base}{CONFIRM_PATH}{refs.confirm(ref)}"


def preferences_url(ref: MessageRef, refs: Refs, base: str) -> str:
    """Where a recipient chooses what to receive. Who may withdraw may choose: the reference is of the same purpose."""
    return f"{base}{PREFERENCES_PATH}{refs.unsubscribe(ref)}"


def web_copy_url(ref: MessageRef, refs: Refs, base: str) -> str:
    """Where the mail can be read as a web page."""
    return f"{base}{WEB_COPY_PATH}{refs.web_copy(ref)}"


def _extended(url: str, append: tuple[Parameter, ...]) -> str:
    longer = extended(url, append)
    return longer if len(longer) <= URL_LIMIT else url


def _code(ref: MessageRef, refs: Refs, base: str, *, hooks: bool) -> str:
    url = f"{base}{OPEN_PATH}{refs.open(ref)}.gif"
    return tracking_code(lambda key: f"{url}?{key}" if key else url) if hooks else image(url)


@lru_cache(maxsize=4096)  # most links are the same in every mail of a template
def _destination(said: tuple[str, str | None, str | None, bool], own: tuple[str, ...]) -> _Destination | None:
    """Where a link leads that is tracked. `said`: an anchor's `href`, `name`, `data_name` and `no_track`."""
    href, plain_name, data_name, no_track = said
    url = href.translate(_INVISIBLE).strip(_CONTROLS)
    name = (data_name or plain_name or "").strip()
    if no_track or len(url) > URL_LIMIT or not _HTTP.match(url) or url.lower().startswith(own):
        return None
    return _Destination(url, "" if name == TRAP else name) if _sound(url) and _sound(name) else None


def _sound(text: str) -> bool:
    # A lone surrogate cannot be written in UTF-8; such a link leads nowhere anyway.
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pieces(html: str, made: list[Change]) -> Iterator[str]:
    position = 0
    for change in made:
        yield html[position : change.start]
        yield change.text
        position = change.end
    yield html[position:]
