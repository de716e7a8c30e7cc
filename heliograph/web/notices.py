"""Pages of a heading and a sentence, for people whom a mail led here; and the look that all our pages have. Pure.

A page is complete in itself: no script, no picture, nothing from elsewhere. It is light or dark as its reader's system is.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from heliograph.web.http import Headers

STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1.1rem/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff}"
    "main{max-width:32rem;margin:10vh auto 0;padding:0 1.5rem 3rem}"
    "h1{font-size:1.6rem;line-height:1.25}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#1a1a1a}}"
)


def notice(title: str, text: str) -> bytes:
    """A whole page in English."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{escape(title)}</h1>\n<p>{escape(text)}</p>\n</main>\n</body>\n</html>\n"
    ).encode()


def hash_of(style: str) -> str:
    """What a Content-Security-Policy calls a style sheet that stands in the page."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"


HEADERS: Headers = (
    ("content-type", "text/html; charset=utf-8"),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    (
        "content-security-policy",
        f"default-src 'none'; style-src {hash_of(STYLE)}; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("referrer-policy", "no-referrer"),
    ("x-robots-tag", "noindex"),
)
