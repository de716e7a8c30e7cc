"""What an attachment may be called, and how much of them a mail may have. Pure.

Their sum is bounded: most servers take 10 to 25 MB of a mail, of which base64 makes a third more.
"""

from __future__ import annotations

import mimetypes
import re
from functools import lru_cache

from liquid import Environment
from liquid.exceptions import LiquidError

SIZE_LIMIT = 7 * 1024 * 1024
"""Bytes of all files of one mail, before base64."""
COUNT_LIMIT = 20
NAME_LIMIT = 200
URL_LIMIT = 2048

UNKNOWN = "application/octet-stream"
"""The content type of what nobody can name (RFC 2046 4.5.1)."""

_TYPE = re.compile(r"(?!multipart/|message/)[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
"""Multipart and message would make the file a part of the mail's own structure (RFC 2046 5.1, 5.2)."""
_CONTENT_ID = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,64}")
_FIXED_HOST = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?/", re.ASCII)
_LIQUID = Environment()
"""Only to look at what is written: it is filled in by the sandbox of templates, which has the same tags and filters."""
_LIQUID.add_filter("raw", _LIQUID.filters["safe"])
del _LIQUID.tags["include"], _LIQUID.tags["render"]
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029/\\]")


def fault(name: str, content_type: str, content_id: str = "") -> str | None:
    """Why a file cannot go with a mail under this name and type; None: it can."""
    if not 1 <= len(name) <= NAME_LIMIT or _UNFIT.search(name):
        return f"the attachment {name[:NAME_LIMIT]!r} needs the name of a file, without a path"
    if not _TYPE.fullmatch(content_type.lower()):
        return f"the attachment {name} needs a content type such as application/pdf"
    if content_id and not _CONTENT_ID.fullmatch(content_id):
        return f"the content_id of the attachment {name} must look like logo@shop.example"
    return None


def url_fault(url: str) -> str | None:
    """Why no file of a message can be fetched from this URL, which is Liquid; None: it can. Its scheme and host stand in it
    as they are."""
    if len(url) > URL_LIMIT or not _FIXED_HOST.match(url):
        return "must be http:// or https://, a host as it is, and a path, in which {{ ... }} may stand"
    return liquid_fault(url)


@lru_cache(maxsize=256)
def liquid_fault(text: str) -> str | None:
    """Why nothing can be filled in here; None: it can."""
    try:
        template = _LIQUID.from_string(text)
    except LiquidError as error:
        return f"is no Liquid that can be filled in: {error.message}"
    except RecursionError:
        return "is nested too deeply"
    unknown = sorted(template.analyze().filters.keys() - _LIQUID.filters.keys())
    return f"has a filter that does not exist: {unknown[0]}" if unknown else None


def type_of(name: str) -> str:
    """The content type that a file's name promises."""
    return mimetypes.guess_type(name)[0] or UNKNOWN
