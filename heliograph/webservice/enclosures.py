"""Attachments of a call (`AttachmentUrl.n` or `AttachmentContent.n`, `AttachmentName.n`, `AttachmentContentType.n`).

A single message brings its files with it: they are fetched while the caller waits, through `egress`. A job's are kept
until it fetches them itself, once for all its messages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from heliograph.attachments.rules import SIZE_LIMIT, fault, type_of
from heliograph.events.messages import Attachment
from heliograph.outbound.jobs import uploads
from heliograph.outbound.messages.making.enclosing import NotFetched, fetched
from heliograph.webservice.answers import Refused
from heliograph.webservice.call import INVALID, MISSING, Asked, Means

MOST = 5
"""Attachments of a call (wire-facts 4.1)."""

TOO_LARGE = f"attachments may have {SIZE_LIMIT} bytes at most, all together"


class Enclosed(NamedTuple):
    """A file that a call names or brings: one of `url` and `content`."""

    number: int
    name: str
    content_type: str
    url: str
    content: bytes


def enclosed(asked: Asked) -> list[Enclosed]:
    """What the call says of attachments, checked. Raises `Refused`."""
    urls, contents = asked.numbered("AttachmentUrl", MOST), asked.numbered("AttachmentContent", MOST)
    names, kinds = asked.numbered("AttachmentName", MOST), asked.numbered("AttachmentContentType", MOST)
    found = []
    for number in sorted(urls | contents | names | kinds):
        url, content = urls.get(number, "").strip(), contents.get(number, "").strip()
        if bool(url) == bool(content):
            one = f"AttachmentUrl.{number} or AttachmentContent.{number}"
            raise Refused(INVALID if url else MISSING, f"Give either {one}.")
        name = names.get(number, "").strip() or unquote(PurePosixPath(urlsplit(url).path).name)
        kind = kinds.get(number, "").strip() or type_of(name)
        if not name:
            raise Refused(MISSING, f"AttachmentName.{number} is required.")
        if reason := fault(name, kind):
            raise Refused(INVALID, f"AttachmentName.{number}, AttachmentContentType.{number}: {reason}.")
        found.append(Enclosed(number, name, kind, url, _decoded(number, content)))
    if sum(len(one.content) for one in found) > SIZE_LIMIT:
        raise Refused(INVALID, f"AttachmentContent: {TOO_LARGE}.")
    return found


async def attachments(means: Means, wanted: list[Enclosed]) -> tuple[Attachment, ...]:
    """As a single message brings them. Raises `Refused` for what cannot be fetched."""
    found, size = [], 0
    for one in wanted:
        content = await _fetched(means, one) if one.url else one.content
        size += len(content)
        if size > SIZE_LIMIT:
            raise Refused(INVALID, f"AttachmentUrl.{one.number}: {TOO_LARGE}.")
        written = base64.b64encode(content).decode()
        found.append(Attachment(name=one.name, content_type=one.content_type, content=written))
    return tuple(found)


async def sources(means: Means, asked: Asked, wanted: list[Enclosed]) -> list[dict[str, Any]]:
    """As a job's options name them: what came with the call is kept as an upload."""
    return [
        {
            "name": one.name,
            "content_type": one.content_type,
            "source": one.url or await _uploaded(means, asked.account.number, one.content),
        }
        for one in wanted
    ]


def _decoded(number: int, content: str) -> bytes:
    try:
        return base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(INVALID, f"AttachmentContent.{number} is not base64.") from error


async def _fetched(means: Means, one: Enclosed) -> bytes:
    try:
        return (await fetched(one.url, means.egress)).body
    except NotFetched as error:
        raise Refused(INVALID, f"AttachmentUrl.{one.number}: {error}.") from error


async def _uploaded(means: Means, account: str, content: bytes) -> str:
    async def whole() -> AsyncIterator[bytes]:
        yield content

    return f"upload:{await uploads.keep(means.data, account, whole(), SIZE_LIMIT)}"
