"""Answers as XML: a root that the action names, `RequestId`, `Result`, and what there is to say. Pure.

What the vendor's clients read: `Result` is `REQUEST_SUCCESSFUL` or `REQUEST_FAILED`, and a failure lists
`RequestErrors` (wire-facts 4.1). Everything is in the vendor's namespace.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

NAMESPACE = "http://messagegears.com/3.1/webService"
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'
GOOD, BAD = "REQUEST_SUCCESSFUL", "REQUEST_FAILED"

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

Elements = Sequence[tuple[str, "str | Elements"]]
"""Children in order: a name with its text, or with children of its own."""


class Refused(Exception):
    """The call cannot be done. `code` is a short category, `message` says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def succeeded(root: str, request_id: str, said: Elements = ()) -> bytes:
    """An answer whose action was done."""
    return DECLARATION + _root(root, (("RequestId", request_id), ("Result", GOOD), *said))


def failed(root: str, request_id: str, refused: Refused) -> bytes:
    """An answer that says why nothing was done."""
    error = (("ErrorCode", refused.code), ("ErrorMessage", refused.message))
    said = (("RequestId", request_id), ("Result", BAD), ("RequestErrors", (("RequestError", error),)))
    return DECLARATION + _root(root, said)


def around(root: str, request_id: str, said: Elements, inside: str) -> tuple[bytes, bytes]:
    """What stands before and behind a long list, which is written in between: `inside` is its element."""
    whole = _root(root, (("RequestId", request_id), ("Result", GOOD), *said, (inside, "")))
    empty = f"<{inside}></{inside}>".encode()
    before, behind = whole.split(empty)
    return DECLARATION + before + f"<{inside}>".encode(), f"</{inside}>".encode() + behind


def escaped(text: str) -> str:
    """Text as it stands between tags; what XML cannot hold is left out."""
    text = _ILLEGAL.sub("", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _root(root: str, said: Elements) -> bytes:
    inside = "".join(_element(name, value) for name, value in said)
    return f'<{root} xmlns="{NAMESPACE}">{inside}</{root}>'.encode()


def _element(name: str, value: str | Elements) -> str:
    inside = escaped(value) if isinstance(value, str) else "".join(_element(*child) for child in value)
    return f"<{name}>{inside}</{name}>"
