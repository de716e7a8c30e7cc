"""Attachments as people write them, in base64 or by an address -> as events keep them: with their content.

A file is fetched once, when the template is saved or the message asked for: whoever asked hears at once what is wrong with it, a message
is sent as it was meant, and nothing is fetched a million times. Through `egress`, so nobody reaches into the operator's own network by it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from heliograph.attachments.rules import COUNT_LIMIT, SIZE_LIMIT, UNKNOWN, type_of
from heliograph.egress import Answer, Egress
from heliograph.events.messages import Attachment
from heliograph.outbound.messages.mail.attachments import files

SECONDS = 10.0
"""Seconds that one file may take to come."""

PASSING = frozenset((429, 500, 502, 503, 504))
"""Statuses of servers that may answer otherwise in a while (RFC 9110 15.6, RFC 6585 4)."""


class NotFetched(ValueError):
    """A file that cannot be had, and why. `passing`: it may be had later."""

    def __init__(self, why: str, *, passing: bool = False) -> None:
        super().__init__(why)
        self.passing = passing


class Enclosure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A file that goes with a mail: its `content` in base64, or the `url` that it is fetched from now. Without a
    `content_type` its name says it. With a `content_id`, such as logo@shop.example, it is what the HTML shows as `cid:`."""

    name: str
    content_type: str = ""
    content: str = ""
    url: Annotated[str, Meta(max_length=2048)] = ""
    content_id: str = ""


async def enclosed(wanted: Sequence[Enclosure], egress: Egress) -> tuple[Attachment, ...]:
    """These files, with their contents. Raises `ValueError`, in words, for what cannot go with a mail."""
    if len(wanted) > COUNT_LIMIT:
        raise ValueError(f"a mail may have {COUNT_LIMIT} attachments at most")
    found = tuple(await asyncio.gather(*(enclose(one, egress) for one in wanted)))
    files(found)
    return found


async def with_files(settings: Mapping[str, Any], egress: Egress) -> Mapping[str, Any]:
    """A template's settings, the attachments among them fetched; what is wrong with their shape is left for
    `authoring.lint` to tell, with everything else. Raises `ValueError` for what cannot be fetched."""
    try:
        wanted = msgspec.convert(settings.get("attachments", ()), tuple[Enclosure, ...])
    except msgspec.ValidationError:
        return settings
    if not wanted or len(wanted) > COUNT_LIMIT or any(bool(one.content) is bool(one.url) for one in wanted):
        return settings
    found = await asyncio.gather(*(enclose(one, egress) for one in wanted))
    return {**settings, "attachments": msgspec.to_builtins(found)}


async def fetched(url: str, egress: Egress) -> Answer:
    """The file at this URL. Raises `NotFetched`, in words, for one that cannot be had or could go with no mail."""
    answer = await egress.get(url, {}, SECONDS, cap=SIZE_LIMIT)
    if not isinstance(answer, Answer):
        raise NotFetched(answer.reason, passing=answer.kind != "refused")
    if answer.status != 200:
        raise NotFetched(f"the server answered {answer.status}", passing=answer.status in PASSING)
    if answer.truncated:
        raise NotFetched(f"it has more than {SIZE_LIMIT} bytes")
    if not answer.body:
        raise NotFetched("it is empty")
    return answer


async def enclose(wanted: Enclosure, egress: Egress) -> Attachment:
    """The file, with its content. Raises `ValueError`, in words; `NotFetched` for one that cannot be had."""
    if bool(wanted.content) is bool(wanted.url):
        raise ValueError(f"the attachment {wanted.name} needs either a content or a url")
    content, kind = wanted.content, wanted.content_type or type_of(wanted.name)
    if wanted.url:
        try:
            answer = await fetched(wanted.url, egress)
        except NotFetched as error:
            where = f"the attachment {wanted.name} cannot be fetched from {wanted.url}"
            raise NotFetched(f"{where}: {error}", passing=error.passing) from error
        content = base64.b64encode(answer.body).decode()
        said = answer.headers.get("content-type", "").partition(";")[0].strip()
        kind = said if said and not wanted.content_type and kind == UNKNOWN else kind
    return Attachment(name=wanted.name, content_type=kind, content=content, content_id=wanted.content_id)
