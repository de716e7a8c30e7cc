"""`track.js` as pages load it: small, compressed once, cached by everybody, under names that stay (S3:L99).

The vendor's snippet works with the host changed alone: `/webtracking/track.js`, and `remarkety.js`, its name before
2018. `/webtracking/track.HASH.js` is the same under a name that changes with the content, to be cached for ever;
`/webtracking/` tells it, with the digest for `integrity`. What the script sends comes in at `collect.doors`.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from importlib.resources import files
from typing import NamedTuple

from heliograph.errors import CallerError, NotAllowed, NotFound, Unavailable
from heliograph.web.http import Headers, Reply, Request, Route, json_reply, plain_error

NAMES = frozenset(("track.js", "remarkety.js"))
"""Where the script always is."""

HASHED = re.compile(r"track\.[0-9a-f]{16}\.js", re.ASCII)
"""Where it is as long as it stays as it is. Under a hash of another version the present one is given, not for ever:
a page that names it goes on being tracked after an upgrade."""

HOUR = "public, max-age=3600, stale-while-revalidate=86400"
FOR_EVER = "public, max-age=31536000, immutable"

_ANYBODY: Headers = (
    ("access-control-allow-origin", "*"),
    ("cross-origin-resource-policy", "cross-origin"),
)
_TYPE = ("content-type", "text/javascript; charset=utf-8")
_COMMENT_OR_BLANK = re.compile(r"\s*(?://.*)?", re.ASCII)


class Script(NamedTuple):
    """The script as it goes out. `hash` is of the plain text; each form has its own strong ETag (RFC 9110 8.8.1)."""

    plain: bytes
    gzipped: bytes
    hash: str

    @property
    def hashed_name(self) -> str:
        """The name that changes with the content."""
        return f"track.{self.hash}.js"

    @property
    def integrity(self) -> str:
        """For the attribute `integrity` (Subresource Integrity)."""
        return "sha384-" + base64.b64encode(hashlib.sha384(self.plain).digest()).decode()


def prepared(source: str) -> Script:
    """The script without lines of comment and without indentation: what is left compresses as well as renamed code."""
    lines = (line.strip() for line in source.splitlines() if not _COMMENT_OR_BLANK.fullmatch(line))
    plain = "\n".join(lines).encode() + b"\n"
    return Script(plain, gzip.compress(plain, 9, mtime=0), hashlib.sha256(plain).hexdigest()[:16])


def routes() -> tuple[Route, ...]:
    """The route of the script."""
    script = prepared(files(__package__).joinpath("track.js").read_text(encoding="utf-8"))

    async def answer(request: Request) -> Reply:
        return served(script, request)

    return (Route("webtracking", answer, _refused),)


def served(script: Script, request: Request) -> Reply:
    """The answer to a request below `/webtracking`. Raises `NotFound`, `NotAllowed`."""
    name = request.path.removeprefix("/webtracking").strip("/")
    if name and name not in NAMES and not HASHED.fullmatch(name):
        raise NotFound("The script is at /webtracking/track.js.")
    if request.method == "OPTIONS":
        return Reply(204, (*_ANYBODY, ("access-control-allow-methods", "GET, HEAD")))
    if request.method not in ("GET", "HEAD"):
        raise NotAllowed(f"The script is fetched with GET, not {request.method}.")
    reply = _script(script, name, request) if name else _told(script)
    return reply._replace(body=b"") if request.method == "HEAD" else reply


def _script(script: Script, name: str, request: Request) -> Reply:
    zipped = _takes_gzip(request.header("accept-encoding"))
    etag = f'"{script.hash}-gzip"' if zipped else f'"{script.hash}"'
    headers: Headers = (
        ("cache-control", FOR_EVER if name == script.hashed_name else HOUR),
        ("etag", etag),
        ("vary", "Accept-Encoding"),
        *_ANYBODY,
    )
    if _matches(request.header("if-none-match"), etag):
        return Reply(304, headers)
    headers = (*headers, _TYPE, ("x-content-type-options", "nosniff"))
    if zipped:
        return Reply(200, (*headers, ("content-encoding", "gzip")), script.gzipped)
    return Reply(200, headers, script.plain)


def _told(script: Script) -> Reply:
    told = {"script": "/webtracking/track.js", "immutable": f"/webtracking/{script.hashed_name}"}
    return json_reply(200, {**told, "integrity": script.integrity}, (("cache-control", HOUR), *_ANYBODY))


def _takes_gzip(accepted: str) -> bool:
    """Whether gzip may be sent (RFC 9110 12.5.3): named, or covered by `*`, with a weight above 0."""
    weights = {}
    for part in accepted.lower().split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip()] = weight.replace(" ", "").removeprefix("q=").strip("0.") != "" or not weight
    return weights.get("gzip", weights.get("*", False))


def _matches(wanted: str, etag: str) -> bool:
    """`If-None-Match`, by the weak comparison (RFC 9110 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in wanted.split(",")]
    return "*" in tags or etag in tags


def _refused(error: CallerError | Unavailable) -> Reply:
    reply = plain_error(error)
    allow: Headers = (("allow", "GET, HEAD, OPTIONS"),) if isinstance(error, NotAllowed) else ()
    return reply._replace(headers=(*reply.headers, *_ANYBODY, *allow))
