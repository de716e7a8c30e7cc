"""XML that callers send (RecipientXml, ContextDataXml) as plain values for templates. Pure.

Its size is bounded by what a request may hold.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from heliograph.webservice.answers import Refused
from heliograph.webservice.call import INVALID
from heliograph.xml_fields import Broken, Limits, Reader

LIMITS = Limits(depth=20, elements=10_000, characters=1 << 30)


class Document(NamedTuple):
    """A document's root: its name, and what it holds: a text, or fields; several of one name are a list."""

    root: str
    fields: Any


def read(name: str, text: str) -> Document:
    """What the parameter of this name says. Raises `Refused`."""
    try:
        (root,) = Reader(None, LIMITS, encoding="utf-8").read(text.encode(), last=True)
    except Broken as error:
        raise Refused(INVALID, f"{name} cannot be read as XML: {error}.") from error
    except UnicodeEncodeError as error:
        raise Refused(INVALID, f"{name} has characters that are none.") from error
    if not root.whole:
        raise Refused(INVALID, f"{name} has more than {LIMITS.elements} elements.")
    return Document(root.name, root.value)
