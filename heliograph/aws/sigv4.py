"""AWS Signature Version 4: who signed a request, and whether the signature is right (SQS-3). Pure.

The signature covers the method, the path, the query, the signed headers and the body, under a key derived from the
secret, the day, the region and the service. We have no regions: whichever the client signed for is taken.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote

from heliograph.aws.faults import AwsFault
from heliograph.clock import from_datetime

SKEW = 15 * 60
"""Seconds that a request's time may be off (the limit that Amazon names)."""

ALGORITHM = "AWS4-HMAC-SHA256"

_NAMED = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=([^/\s,]+)/(\d{8})/([^/\s,]+)/([^/\s,]+)/aws4_request,\s*SignedHeaders=([^,\s]+),\s*"
)
_SIGNATURE = re.compile(r"[0-9a-f]{64}\s*")
_AT = re.compile(r"\d{8}T\d{6}Z")


class Signed(NamedTuple):
    """What a request's signature says of itself. `at` as `YYYYMMDDTHHMMSSZ`."""

    key_id: str
    day: str
    region: str
    service: str
    headers: tuple[str, ...]
    signature: str
    at: str


class Signable(NamedTuple):
    """What of a request is signed. `path` is percent-decoded, `query` is not."""

    method: str
    path: str
    query: str
    header: Callable[[str], str]
    body: bytes


def read(header: Callable[[str], str]) -> Signed:
    """The signature of a request's Authorization header. Raises `AwsFault`: there is none, or it is cut off."""
    authorization = header("authorization")
    if not authorization:
        raise AwsFault(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token: sign it with an access key of `heliograph keys add --kind aws`.",
            status=403,
        )
    head, _, signature = authorization.rpartition("Signature=")
    named, at = _named(head), header("x-amz-date")
    if named is None or not _SIGNATURE.fullmatch(signature) or not _AT.fullmatch(at):
        raise AwsFault(
            "IncompleteSignature",
            "The Authorization header needs Credential, SignedHeaders and Signature, and X-Amz-Date beside it.",
        )
    key_id, day, region, service, headers = named
    return Signed(key_id, day, region, service, tuple(headers.split(";")), signature.rstrip(), at)


@lru_cache(256)
def _named(head: str) -> tuple[str, ...] | None:
    """Who signed which headers, for what: the same in all requests that a client makes on a day."""
    found = _NAMED.fullmatch(head)
    return found.groups() if found else None


def check(signed: Signed, request: Signable, secret: str, now: int) -> None:
    """Raise `AwsFault` unless the secret's owner signed this very request within the last minutes.

    `now` in microseconds.
    """
    try:
        sent = _instant(signed.at)
    except ValueError as error:
        raise AwsFault("IncompleteSignature", f"X-Amz-Date is no instant: {signed.at}") from error
    if signed.day != signed.at[:8] or abs(now - sent) > SKEW * 1_000_000:
        raise AwsFault(
            "RequestExpired",
            f"The request was signed at {signed.at}, more than 15 minutes from our time; set the clock right.",
            status=403,
        )
    if not hmac.compare_digest(signature(signed, request, secret), signed.signature):
        raise AwsFault(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check the secret"
            " access key and the signing method.",
            status=403,
        )


def signature(signed: Signed, request: Signable, secret: str) -> str:
    """The signature that the secret gives: hex. Headers that were not signed do not count."""
    digest = hashlib.sha256(request.body).hexdigest()
    canonical = "\n".join(
        (
            request.method,
            quote(request.path, safe="/-_.~") or "/",
            _canonical_query(request.query),
            *(f"{name}:{' '.join(request.header(name).split())}" for name in signed.headers),
            "",
            ";".join(signed.headers),
            digest,
        )
    )
    scope = f"{signed.day}/{signed.region}/{signed.service}/aws4_request"
    text = "\n".join((ALGORITHM, signed.at, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = _key(secret, signed.day, signed.region, signed.service)
    return hmac.digest(key, text.encode(), "sha256").hex()


def _canonical_query(query: str) -> str:
    if not query:
        return ""
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(
        sorted(
            f"{quote(unquote(name), safe='-_.~')}={quote(unquote(value), safe='-_.~')}"
            for name, _, value in pairs
        )
    )


@lru_cache(64)
def _instant(at: str) -> int:
    """Microseconds of `YYYYMMDDTHHMMSSZ`: all requests of a second have one."""
    return from_datetime(datetime.fromisoformat(at))


@lru_cache(256)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
