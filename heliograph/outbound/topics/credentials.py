"""A user and password in an endpoint's URL (Amazon's guide, "HTTP/HTTPS endpoints"). Pure.

They are no part of what is called, and not sent until the receiver asks for them with a 401.
"""

from __future__ import annotations

import base64
from urllib.parse import unquote, urlsplit, urlunsplit


def without_credentials(url: str) -> tuple[str, str | None]:
    """The URL without them, and the value of `Authorization` (RFC 7617); None where the URL has none."""
    try:
        parts = urlsplit(url)
        named = parts.username is not None
    except ValueError:
        return url, None
    if not named:
        return url, None
    host = parts.netloc.rpartition("@")[2]
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    basic = "Basic " + base64.b64encode(pair.encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), basic
