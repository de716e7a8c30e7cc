"""What goes with a mail: attachments of a request or of a template's settings -> files, checked; or a clear no.

Contents are in base64 where they are written (JSON has nothing else), or kept (`heliograph.attachments.kept`).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from heliograph.attachments.rules import COUNT_LIMIT, SIZE_LIMIT, fault
from heliograph.events.messages import Attachment
from heliograph.outbound.messages.mail.mime import File

Kept = Callable[[str], bytes]
"""The file that an account keeps under this name. Raises `ValueError`."""


def nothing_kept(name: str) -> bytes:
    """Where no files are kept."""
    raise ValueError(f"no attachment is kept under the name {name}")


def files(attachments: Sequence[Attachment], kept: Kept = nothing_kept) -> tuple[File, ...]:
    """The files of a mail. Raises `ValueError`, in words, for one that cannot go with it."""
    if len(attachments) > COUNT_LIMIT:
        raise ValueError(f"a mail may have {COUNT_LIMIT} attachments at most")
    found = tuple(_named(one, kept(one.kept)) if one.kept else _file(one) for one in attachments)
    if sum(len(file.content) for file in found) > SIZE_LIMIT:
        raise ValueError(f"the attachments of a mail may have {SIZE_LIMIT} bytes at most, all together")
    return found


def listed(value: object) -> tuple[Attachment, ...]:
    """The attachments that a template's settings name. Raises `ValueError`."""
    try:
        return msgspec.convert(value or (), tuple[Attachment, ...])
    except msgspec.ValidationError as error:
        raise ValueError(f"attachments: {error}") from error


@lru_cache(maxsize=16)  # those of a template are the same for all
def _file(attachment: Attachment) -> File:
    if len(attachment.content) > SIZE_LIMIT * 2:
        raise ValueError(f"the attachment {attachment.name} is too large")
    try:
        content = base64.b64decode(attachment.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the content of the attachment {attachment.name} is not base64") from error
    return _named(attachment, content)


def _named(attachment: Attachment, content: bytes) -> File:
    name, kind = attachment.name, attachment.content_type.lower()
    if reason := fault(name, kind, attachment.content_id):
        raise ValueError(reason)
    return File(name, kind, content, attachment.content_id)
