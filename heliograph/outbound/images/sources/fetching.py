"""One source, asked for once: GET through `egress`, redirects step by step, and only if it has changed.

Pictures move (http to https, a shop to its delivery network), so a few redirects are followed; each step is a call of
its own that the guard judges anew, and none leads from https back to http. What comes back is bytes that nobody has
looked at yet; `isolated.check` does.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import NamedTuple

from yarl import URL

from heliograph import __version__
from heliograph.egress import Answer, Egress, Failed
from heliograph.outbound.images.sources.picture import SOURCE_BYTES, Unusable

SECONDS = 10.0  # for the whole of it, redirects included
REDIRECTS = 3
FRESH, FRESH_LEAST, FRESH_MOST = 600, 60, 86_400
"""Seconds that a picture is believed unchanged: by itself, and the bounds of what a source may ask for."""

HEADERS = {
    "User-Agent": f"Heliograph/{__version__} (pictures)",
    "Accept": "image/png, image/jpeg, image/gif, image/webp, image/svg+xml",
    "Accept-Encoding": "identity",
}

_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,10})", re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)\b", re.IGNORECASE)


class Validators(NamedTuple):
    """What a source said its picture is known by (RFC 9110 section 8.8); empty: nothing."""

    etag: str = ""
    last_modified: str = ""


class Fetched(NamedTuple):
    """The source's bytes, and for how many seconds they need not be asked for again."""

    body: bytes
    validators: Validators
    fresh: int


class Unchanged(NamedTuple):
    """304: what we have is what there is."""

    fresh: int


async def fetch(egress: Egress, url: str, known: Validators) -> Fetched | Unchanged | Unusable:
    """What the source has now. `known`: of the copy that we have. Never raises for what the source does."""
    headers = dict(HEADERS)
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    try:
        async with asyncio.timeout(SECONDS):
            answer = await _followed(egress, url, headers)
    except TimeoutError:
        return Unusable(f"did not answer within {SECONDS:g} s")
    if isinstance(answer, Unusable):
        return answer
    if answer.status == 304 and any(known):
        return Unchanged(_fresh(answer.headers))
    fault = _fault(answer)
    if fault:
        return Unusable(fault)
    validators = Validators(_kept(answer.headers.get("ETag")), _kept(answer.headers.get("Last-Modified")))
    return Fetched(answer.body, validators, _fresh(answer.headers))


async def _followed(egress: Egress, url: str, headers: Mapping[str, str]) -> Answer | Unusable:
    """The last answer of a row of redirects."""
    for _ in range(REDIRECTS + 1):
        answer = await egress.get(url, headers, SECONDS, cap=SOURCE_BYTES)
        if isinstance(answer, Failed):
            return Unusable(f"could not be fetched ({answer.kind}: {answer.reason})")
        if answer.status not in (301, 302, 303, 307, 308):
            return answer
        onward = _onward(url, answer.headers.get("Location", ""))
        if isinstance(onward, Unusable):
            return onward
        url = onward
    return Unusable(f"leads on more than {REDIRECTS} times")


def _onward(url: str, location: str) -> str | Unusable:
    try:
        found = URL(url).join(URL(location)) if location else None
    except ValueError:
        found = None
    if found is None:
        return Unusable("leads nowhere that can be read")
    if URL(url).scheme == "https" and found.scheme != "https":
        return Unusable("leads from https to an address that is not")
    return str(found)


def _fault(answer: Answer) -> str | None:
    if answer.status != 200:
        return f"answers {answer.status}"
    if answer.truncated:
        return f"has more than {SOURCE_BYTES // 1024 // 1024} MiB"
    if answer.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        return "is compressed although that was not asked for"
    return None


def _fresh(headers: Mapping[str, str]) -> int:
    """Seconds (RFC 9111 section 4.2.1, within our bounds: mails are read for days, mistakes are mended in minutes)."""
    control = headers.get("Cache-Control", "")
    if _UNCACHED.search(control):
        return FRESH_LEAST
    found = _MAX_AGE.search(control)
    return min(max(int(found[1]), FRESH_LEAST), FRESH_MOST) if found else FRESH


def _kept(validator: str | None) -> str:
    """A validator that can be sent back as it came."""
    return (
        validator
        if validator and len(validator) <= 300 and validator.isascii() and validator.isprintable()
        else ""
    )
