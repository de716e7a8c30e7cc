"""Where live pictures stand in mail: the URLs of a picture and of its link, as all who write them agree.

`outbound.images` publishes these URLs and answers them; templates (`outbound.messages`) write the same ones with our
own signed reference in them. Two parameters are ours: `r`, such a reference, and `id`, by which a foreign sender may
name the person; everything else belongs to the kind of picture (`exp`, `cur`, a rule's own parameter). Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

REFERENCE = "r"
PERSON = "id"


class Door(NamedTuple):
    """First path segment of a kind's pictures, and what their names end in."""

    prefix: str
    suffix: str


TIMER = Door("t", "gif")
PROGRESS = Door("pb", "png")
POLL = Door("st", "png")
CONDITIONAL = Door("ci", "png")


class Verbatim(str):
    """A parameter's value that goes into the URL as it is: a sender's merge tag."""

    __slots__ = ()


Parameters = Sequence[tuple[str, str]]


def picture_url(
    base: str, door: Door, image: str, parameters: Parameters = (), option: int | None = None
) -> str:
    """The URL of a published picture, or of one of its options (from 1). `base` has no slash at its end."""
    return f"{base}/{door.prefix}/{_named(image, option)}.{door.suffix}{_query(parameters)}"


def link_url(
    base: str, door: Door, image: str, parameters: Parameters = (), option: int | None = None
) -> str:
    """Where such a picture leads: the same without a file's ending, so that both stand in one mail."""
    return f"{base}/{door.prefix}/{_named(image, option)}{_query(parameters)}"


def _named(image: str, option: int | None) -> str:
    return image if option is None else f"{image}/{option}"


def _query(parameters: Parameters) -> str:
    pairs = [f"{quote(name, safe='')}={_value(value)}" for name, value in parameters]
    return "?" + "&".join(pairs) if pairs else ""


def _value(value: str) -> str:
    return value if isinstance(value, Verbatim) else quote(value, safe="")
