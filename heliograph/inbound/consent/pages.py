"""The few pages that people see who leave or confirm: one heading, one sentence, at most one button. Pure.

Each is complete in itself: no script, no picture, nothing from elsewhere, no cookie. Forms post to the address
they were loaded from, or beside it, so that a path in front of us does not matter.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from heliograph.web.http import Headers, Reply

_STYLE = (
    "body{margin:0;font:1.1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}"
    "main{max-width:32rem;margin:15vh auto 0;padding:0 1.5rem}"
    "h1{font-size:1.6rem;line-height:1.25}"
    "button{font:inherit;padding:.7rem 1.4rem;border:2px solid #1a1a1a;border-radius:.4rem;"
    "background:#1a1a1a;color:#fff;cursor:pointer}"
    "button:focus-visible{outline:3px solid #2563eb;outline-offset:3px}"
    "button.quiet{background:#fff;color:#1a1a1a}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1a1a1a}"
    "button,button.quiet{border-color:#eee}button{background:#eee;color:#1a1a1a}"
    "button.quiet{background:#1a1a1a;color:#eee}}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

HEADERS: Headers = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-robots-tag", "noindex"),
)
"""The token is in the address: no cache, no referrer and no search engine may keep it."""


def ask_unsubscribe(sender: str, seen: int) -> Reply:
    """What a GET of an unsubscribe link shows; it changes nothing."""
    return _page(
        200,
        "Unsubscribe",
        f"Do you want to receive no more newsletters and offers{_of(sender)}?",
        _button("Unsubscribe", seen),
    )


def unsubscribed(sender: str, confirm: str, seen: int) -> Reply:
    """What a POST shows; `confirm` is the token that leads back."""
    return _page(
        200,
        "You are unsubscribed",
        f"You will receive no more newsletters and offers{_of(sender)}. Was that a mistake?",
        _button("Subscribe again", seen, action=f"../k/{confirm}", quiet=True),
    )


def ask_confirm(sender: str, seen: int) -> Reply:
    """What a GET of a confirmation link shows; it changes nothing."""
    return _page(
        200,
        "Confirm your subscription",
        f"Do you want to receive newsletters and offers{_of(sender)}?",
        _button("Yes, subscribe me", seen),
    )


def confirmed(sender: str) -> Reply:
    """What a POST shows."""
    return _page(
        200,
        "You are subscribed",
        f"You will receive newsletters and offers{_of(sender)}. Every one of them has a link to unsubscribe.",
    )


def unknown_link() -> Reply:
    """The reference is not one of ours: nothing was changed."""
    return _page(
        404,
        "This link is not known here",
        "It may have been cut off or changed on its way. Open it again from the message itself. "
        "Nothing was changed.",
    )


def failed(status: int, reason: str, extra: Headers = ()) -> Reply:
    """An error in words; nothing was changed."""
    return _page(status, "That did not work", f"{reason} Nothing was changed.", extra=extra)


def _of(sender: str) -> str:
    return f" from {sender}" if sender else ""


def _button(label: str, seen: int, *, action: str = "", quiet: bool = False) -> str:
    where = f' action="{escape(action)}"' if action else ""
    look = ' class="quiet"' if quiet else ""
    return (
        f'<form method="post"{where}><input type="hidden" name="seen" value="{seen}">'
        f"<button{look}>{escape(label)}</button></form>"
    )


def _page(status: int, title: str, text: str, form: str = "", *, extra: Headers = ()) -> Reply:
    html = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n{form}\n</main>\n</body>\n</html>\n"
    )
    return Reply(status, (*HEADERS, *extra), html.encode())
