"""The pages that people see who leave, confirm or choose: in their language, usable by keyboard and screen reader. Pure.

Each is complete in itself: no script, no picture, nothing from elsewhere, no cookie. Forms post to the address
they were loaded from, or beside it, so that a path in front of us does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from heliograph.inbound.consent.wording import OURS, PLACE, Wording
from heliograph.inbound.consent.words import DEFAULT
from heliograph.web.http import Headers, Reply
from heliograph.web.notices import STYLE, hash_of

_STYLE = STYLE + (
    "button{font:inherit;padding:.7rem 1.4rem;border:2px solid #1a1a1a;border-radius:.4rem;"
    "background:#1a1a1a;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #2563eb;outline-offset:3px}"
    "button.quiet{background:#fff;color:#1a1a1a}"
    "form p{margin:1rem 0}"
    "fieldset{border:1px solid #767676;border-radius:.4rem;margin:1.5rem 0;padding:.5rem 1rem}"
    "legend{font-weight:600;padding:0 .4rem}"
    "label{display:flex;gap:.7rem;align-items:baseline;padding:.5rem 0;cursor:pointer}"
    "label small{display:block}"
    "input[type=checkbox]{inline-size:1.25rem;block-size:1.25rem;flex:none;transform:translateY(.2rem)}"
    "input:focus-visible,a:focus-visible{outline:3px solid #2563eb;outline-offset:3px}"
    "a{color:#1d4ed8}"
    "[role=status]{border-inline-start:.4rem solid #15803d;padding:.5rem 1rem;background:#f0fdf4;color:#1a1a1a}"
    "@media(prefers-color-scheme:dark){"
    "button,button.quiet{border-color:#eee}button{background:#eee;color:#1a1a1a}"
    "button.quiet{background:#1a1a1a;color:#eee}a{color:#93c5fd}"
    "[role=status]{border-color:#4ade80;background:#14321f;color:#eee}}"
)

_FRAME = """<!doctype html>
<html lang="{{ language }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body>
<main>
<h1>{{ title }}</h1>
<p>{{ text }}</p>
{{ content }}
</main>
</body>
</html>
"""


def _headers(sources: str) -> Headers:
    """The token is in the address: no cache, no referrer and no search engine may keep it. `sources`: what the page may
    load."""
    policy = f"default-src 'none'; {sources}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    return (
        ("content-type", "text/html; charset=utf-8"),
        ("cache-control", "no-store"),
        ("content-security-policy", policy),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("x-robots-tag", "noindex"),
    )


HEADERS = _headers(f"style-src {hash_of(_STYLE)}")
OWN_HEADERS = _headers("style-src 'unsafe-inline' https:; img-src https: data:; font-src https: data:")
"""Of pages in an operator's own frame, which may have pictures and style sheets."""


class Look(NamedTuple):
    """Who looks at a page, in what language, and when it is shown (microseconds). `token` is the link's; `wording`, what
    is said to them."""

    language: str
    sender: str
    seen: int
    token: str = ""
    wording: Wording = OURS

    def say(self, name: str, **filled: str) -> str:
        """A text, not yet escaped."""
        words = self.wording.languages[self.language]
        return words[name].format(sender=self.sender or words["us"], **filled)


class Topic(NamedTuple):
    """A topic as the page offers it."""

    name: str
    title: str
    description: str
    wanted: bool


class Choices(NamedTuple):
    """What somebody may choose from and how it stands. `address` is shown, so it says no more than they know;
    `here`: whether they receive anything on `channel`, where this link came; `sms` is None where there is no further number; `paused` is a date, empty without a pause."""

    address: str
    topics: Sequence[Topic]
    channel: str
    here: bool
    sms: bool | None = None
    paused: str = ""


def ask_unsubscribe(look: Look, topic: str | None = None) -> Reply:
    """What a GET of an unsubscribe link shows; it changes nothing. `topic`: the title of the one that it leaves, empty
    if nobody knows it; None: it leaves everything."""
    manage = f'<p><a href="../p/{escape(look.token)}">{escape(look.say("choose"))}</a></p>'
    if topic is None:
        form = _button(look.say("unsubscribe"), look.seen)
        return _page(200, look, look.say("unsubscribe"), look.say("ask_all"), form + manage)
    topic = topic or look.say("this_topic")
    form = _button(look.say("leave_topic", topic=topic), look.seen)
    form += _button(look.say("leave_all"), look.seen, quiet=True, also=("scope", "all"))
    return _page(200, look, look.say("unsubscribe"), look.say("ask_topic", topic=topic), form + manage)


def unsubscribed(look: Look, confirm: str, topic: str | None = None) -> Reply:
    """What a POST shows; `confirm` is the token that leads back. After a topic was left, the preferences lead back."""
    title = look.say("left_title")
    if topic is not None:
        text = look.say("left_topic", topic=topic or look.say("this_topic"))
        form = f'<p><a href="../p/{escape(look.token)}">{escape(look.say("choose"))}</a></p>'
        return _page(200, look, title, text, form)
    text = f"{look.say('left_all')} {look.say('mistake')}"
    return _page(
        200, look, title, text, _button(look.say("again"), look.seen, action=f"../k/{confirm}", quiet=True)
    )


def ask_confirm(look: Look) -> Reply:
    """What a GET of a confirmation link shows; it changes nothing."""
    return _page(
        200, look, look.say("confirm_title"), look.say("ask_confirm"), _button(look.say("yes"), look.seen)
    )


def confirmed(look: Look) -> Reply:
    """What a POST shows."""
    return _page(200, look, look.say("confirmed_title"), look.say("confirmed"))


def preferences(look: Look, choices: Choices, told: str = "") -> Reply:
    """What somebody may choose; `told` is what the POST before did."""
    parts = [f'<p role="status">{escape(told)}</p>'] if told else []
    parts.append(f'<form method="post"><input type="hidden" name="seen" value="{look.seen}">')
    parts += _channels(look, choices)
    if choices.topics:
        parts.append(f"<fieldset><legend>{escape(look.say('topics'))}</legend>")
        parts += [_offered(place, topic) for place, topic in enumerate(choices.topics)]
        parts.append("</fieldset>")
    parts.append(f"<p>{_do(look, 'save')}</p>")
    if choices.paused:
        parts.append(
            f"<p>{escape(look.say('paused', date=choices.paused))} {escape(look.say('pause_hint'))}</p>"
        )
    parts.append(f"<p>{_do(look, 'resume' if choices.paused else 'pause', quiet=True)}</p>")
    parts.append(f"<p>{_do(look, 'leave_all', quiet=True)}</p></form>")
    intro = look.say("intro", address=choices.address)
    return _page(200, look, look.say("preferences_title"), intro, "\n".join(parts))


def unknown_link(language: str = DEFAULT, wording: Wording = OURS) -> Reply:
    """The reference is not one of ours: nothing was changed."""
    look = Look(language, "", 0, wording=wording)
    return _page(404, look, look.say("unknown_title"), look.say("unknown"))


def failed(status: int, reason: str, extra: Headers = (), wording: Wording = OURS) -> Reply:
    """An error in words; nothing was changed."""
    look = Look(DEFAULT, "", 0, wording=wording)
    return _page(
        status, look, look.say("failed_title"), f"{reason} {look.say('nothing_changed')}", extra=extra
    )


def _channels(look: Look, choices: Choices) -> list[str]:
    parts = [f"<fieldset><legend>{escape(look.say('channels'))}</legend>"]
    parts.append(_box("here", "1", look.say(choices.channel), "", on=choices.here))
    if choices.sms is not None:
        hint = "" if choices.sms else look.say("sms_hint")
        parts.append(_box("sms", "1", look.say("sms"), hint, on=choices.sms))
    return [*parts, "</fieldset>"]


def _offered(place: int, topic: Topic) -> str:
    shown = f'<input type="hidden" name="shown" value="{escape(topic.name)}">'
    return shown + _box("topic", topic.name, topic.title, topic.description, on=topic.wanted, place=place)


def _box(name: str, value: str, title: str, more: str, *, on: bool, place: int = 0) -> str:
    """A checkbox with its label, and a hidden field that says how it was shown."""
    ticked, was = (
        (" checked", f'<input type="hidden" name="was_{name}" value="{escape(value)}">') if on else ("", "")
    )
    about = f"<small>{escape(more)}</small>" if more else ""
    return (
        f'{was}<label><input type="checkbox" id="{name}{place}" name="{name}" value="{escape(value)}"{ticked}>'
        f"<span>{escape(title)}{about}</span></label>"
    )


def _do(look: Look, name: str, *, quiet: bool = False) -> str:
    kind = ' class="quiet"' if quiet else ""
    return f'<button name="do" value="{name}"{kind}>{escape(look.say(name))}</button>'


def _button(
    label: str, seen: int, *, action: str = "", quiet: bool = False, also: tuple[str, str] | None = None
) -> str:
    where = f' action="{escape(action)}"' if action else ""
    kind = ' class="quiet"' if quiet else ""
    more = f'<input type="hidden" name="{also[0]}" value="{also[1]}">' if also else ""
    return (
        f'<form method="post"{where}><p><input type="hidden" name="seen" value="{seen}">{more}'
        f"<button{kind}>{escape(label)}</button></p></form>"
    )


def _page(status: int, look: Look, title: str, text: str, form: str = "", *, extra: Headers = ()) -> Reply:
    shown = {
        "language": look.language,
        "title": escape(title),
        "text": escape(text),
        "content": form,
        "sender": escape(look.sender),
        "style": _STYLE,
    }
    html = PLACE.sub(lambda place: shown[place[1]], look.wording.frame or _FRAME)
    headers = OWN_HEADERS if look.wording.frame else HEADERS
    return Reply(status, (*headers, *extra), html.encode())
