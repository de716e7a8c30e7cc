"""What goes with a mail: attachments of a request or of a template's settings -> files, checked; or a clear no.

Contents are in base64 where they are written (JSON has nothing else). Their sum is bounded: most servers take 10 to 25 MB
of a mail, of which base64 makes a third more.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from heliograph.events.messages import Attachment
from heliograph.outbound.messages.mime import File

SIZE_LIMIT = 7 * 1024 * 1024
"""Bytes of all files of one mail, before base64."""
COUNT_LIMIT = 20
NAME_LIMIT = 200

_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
"""Multipart and message would make the file a part of the mail's own structure (RFC 2046 5.1, 5.2)."""
_CONTENT_ID = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,64}")
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029/\\]")


def files(attachments: Sequence[Attachment]) -> tuple[File, ...]:
    """The files of a mail. Raises `ValueError`, in words, for one that cannot go with it."""
    if len(attachments) > COUNT_LIMIT:
        raise ValueError(f"a mail may have {COUNT_LIMIT} attachments at most")
    found = tuple(map(_file, attachments))
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
    name, kind = attachment.name, attachment.content_type.lower()
    if not 1 <= len(name) <= NAME_LIMIT or _UNFIT.search(name):
        raise ValueError(f"the attachment {name[:NAME_LIMIT]!r} needs the name of a file, without a path")
    if not _TYPE.fullmatch(kind):
        raise ValueError(f"the attachment {name} needs a content type such as application/pdf")
    if attachment.content_id and not _CONTENT_ID.fullmatch(attachment.content_id):
        raise ValueError(f"the content_id of the attachment {name} must look like logo@shop.example")
    if len(attachment.content) > SIZE_LIMIT * 2:
        raise ValueError(f"the attachment {name} is too large")
    try:
        content = base64.b64decode(attachment.content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the content of the attachment {name} is not base64") from error
    return File(name, kind, content, attachment.content_id)
