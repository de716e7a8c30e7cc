"""A tracking code: what a mail carries so that it tells when it is opened, printed or forwarded, and in which colours.

Three parts, in this order: a style that CSS inliners leave alone, an empty `div`, and an image of one point. Each hook
of the style makes a mail client load the same URL with another bare key in front, under a condition that holds only
when the mail is printed, sits inside somebody else's mail, or is drawn in dark or light colours (wire-facts 2.1).
`outbound.messages` puts it into our own mails, `inbound.tracking` makes the one to paste and reads what comes back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Hook = Literal["open", "print", "forward", "dark", "light"]

KEYS: dict[str, Hook] = {"rd": "dark", "rl": "light", "p": "print", "f": "forward"}
"""The bare first key of a hook's URL; an open has none (LIT-4)."""

_RULES = (
    ("rd", "@media (prefers-color-scheme: dark) {{ #_t::before {{ content: url({url}); }} }}"),
    ("rl", "@media (prefers-color-scheme: light) {{ #_t::before {{ content: url({url}); }} }}"),
    ("p", "@media print {{ #_t {{ background-image: url({url}); }} }}"),
    ("f", "div.OutlookMessageHeader {{ background-image: url({url}); }}"),  # Outlook
    ("f", "table.moz-email-headers-table {{ background-image: url({url}); }}"),  # Thunderbird
    ("f", "blockquote #_t {{ background-image: url({url}); }}"),  # webmail, Apple
    ("f", "#MailContainerBody #_t {{ background-image: url({url}); }}"),  # Windows Live Mail
)

_IMAGE = '<img src={url} width="1" height="1" alt="" border="0" style="display:block;border:0">'


def tracking_code(url: Callable[[str], str]) -> str:
    """The three parts. `url` gives the URL for a bare key, empty for the open. It may have merge tags of any sender in
    it, which must stay as they are; only `&` is written as HTML wants it."""
    rules = "".join(rule.format(url=quoted(url(key))) + "\n" for key, rule in _RULES)
    return f'<style data-ignore-inlining>\n{rules}</style><div id="_t"></div>' + image(url(""))


def image(url: str) -> str:
    """The image alone. `border` and `alt` keep clients that load no pictures from drawing a box."""
    return _IMAGE.format(url=quoted(url.replace("&", "&amp;")))


def quoted(url: str) -> str:
    """A URL in quotes that it does not hold itself: merge tags have either sort in them, but not both."""
    return f'"{url}"' if '"' not in url else f"'{url}'"
