"""What a kind of live picture is: a name, and functions. Everything else here works with any of them.

A kind reads a caller's attributes into a definition (or says everything that is wrong), draws previews of it, says
which URLs a mail must have, and draws what a reader sees. The definition is stored as it is, with every default in
it, so that published content never changes (PER-15). Kinds are listed in `kinds.KINDS`; adding one adds a module and a
line there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import msgspec

from heliograph import slots
from heliograph.merge_tags import unfilled
from heliograph.outbound.images.attributes import Attributes
from heliograph.react.state.images import Tally
from heliograph.react.state.records import Name, fault_of

D = TypeVar("D", bound=msgspec.Struct)

MERGE_VALUE = slots.Verbatim("MERGE_YOUR_VALUE")
"""What stands in a published URL where the sender's own value belongs (S2:L373)."""
MERGE_TAG = slots.Verbatim("REPLACE_WITH_YOUR_MERGE_TAG")
"""The same in the words of conditional images (S2:L680)."""


class Template(NamedTuple):
    """A look that can be chosen, and the colours that may be set in it."""

    id: str
    colours: tuple[str, ...]


class Drawn(NamedTuple):
    """A picture's bytes."""

    media_type: str
    body: bytes


class Shown(NamedTuple):
    """What a reader gets to see: the picture, which of the kind's variants it is, and what the URL said."""

    picture: Drawn
    variant: str
    parameter: str = ""


class Look(NamedTuple):
    """One request for a published picture or its link, at `now` (microseconds). `option` from 1 where the path names
    one. `prefetched`: a program fetches ahead, and what it gets may be shown much later (PER-8)."""

    image: str
    parameters: Mapping[str, str]
    option: int | None
    prefetched: bool
    now: int


class Consulted(msgspec.Struct, frozen=True, kw_only=True):
    """A context record that stands between a URL and what is shown: the URL's parameter is its key in the data source
    `prefix`, and its `field` takes the place of what the URL said."""

    prefix: str
    field: str

    def name(self, key: str | None) -> Name | None:
        """The record for what the URL said; None where nothing can be kept under that."""
        name = Name(self.prefix, (key or "").strip())
        return name if fault_of(name) is None and not unfilled(name.key) else None

    def value(self, document: Mapping[str, Any] | None) -> str | None:
        """What the record says, as a URL would; None: nothing."""
        value = (document or {}).get(self.field)
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, str | int | float) else None


class Tools(Protocol):
    """What drawing may ask for."""

    async def source(self, url: str) -> Drawn | None:
        """The picture at an operator's URL, checked; None when there is none to show."""
        ...

    async def fault(self, url: str) -> str | None:
        """Why there is no picture at this URL now, for who chooses it; None when there is one."""
        ...

    async def tally(self, image: str) -> Mapping[int, Tally]:
        """The votes of a tracker by option, as of about now."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where published content is looked at: URLs for one id. `picture` and `click` are what they begin with;
    `tag` writes a value's merge tag as the sender's system wants it (None: the document's own placeholders)."""

    image: str
    picture: str
    click: str
    tag: Callable[[str], slots.Verbatim] | None = None

    def picture_url(
        self, door: slots.Door, parameters: slots.Parameters = (), option: int | None = None
    ) -> str:
        """The picture's URL."""
        return slots.picture_url(self.picture, door, self.image, parameters, option)

    def link_url(self, door: slots.Door, parameters: slots.Parameters = (), option: int | None = None) -> str:
        """The URL that the picture is linked with."""
        return slots.link_url(self.click, door, self.image, parameters, option)

    def value(self, name: str, placeholder: str) -> str:
        """What stands in a URL for a value that the sender fills in: its merge tag, else the placeholder."""
        return placeholder if self.tag is None else self.tag(name)


class Slot(NamedTuple):
    """A picture to paste into a mail: its URL, where it leads (None: nowhere), its size in CSS pixels (None: as it
    comes), what is read out where it is not shown, and a text that stands above it."""

    picture: str
    link: str | None
    size: tuple[int, int] | None
    alt: str
    above: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an author is shown. `parts`: the pictures by name, each with the media type it will have; the empty name
    stands for the only one. `attributes`: what else the answer says."""

    parts: Mapping[str, str]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[D]):
    """A kind of live picture.

    `name` is its JSON:API type and `contentType`; `segment` its part of the API's URLs; `door` where its pictures are.
    `definition` is what is stored. `read` makes one of attributes, noting every fault there; `sample` of them is what
    only a preview has (`preview.progressValue`, `mergeTag`), read when it is one. `check` looks at what a definition names
    elsewhere, and at the instant, and gives warnings by attribute. `preview` says which pictures an author is shown, `reduced` what of the
    definition each needs (it travels in a URL), `draw` draws one. `published` is the answer to publishing, `slots` what
    to paste. `show` draws what a reader sees, `land` says where a click leads: None where there is nothing.
    `options` is how many things can be voted for. `consults`: the record that says what a URL's parameter stands for, and
    which parameter; None: the URL speaks for itself.
    """

    name: str
    segment: str
    door: slots.Door
    templates: tuple[Template, ...]
    definition: type[D]
    read: Callable[[Attributes], D]
    sample: Callable[[Attributes, D, bool], str]
    preview: Callable[[D, str], Preview]
    reduced: Callable[[D, str, str], D]
    draw: Callable[[D, str, str, int, Tools], Awaitable[Drawn | None]]
    published: Callable[[D, Place], Mapping[str, Any]]
    slots: Callable[[D, Place], Sequence[Slot]]
    show: Callable[[D, Look, Tools], Awaitable[Shown | None]]
    land: Callable[[D, Look], str | None]
    options: Callable[[D], int]
    consults: Callable[[D], tuple[str, Consulted] | None]
    check: Callable[[D, int, Tools], Awaitable[Sequence[tuple[str, str]]]]

    def template(self, id: str) -> Template:
        """The template of this id; it must be one of `templates`."""
        return next(template for template in self.templates if template.id == id)


def image(url: str, media_type: str) -> dict[str, Any]:
    """How the document writes a picture (S2:L165)."""
    return {"image": {"href": url, "type": media_type}}


def read_template(said: Attributes, templates: Sequence[Template]) -> Template:
    """The template that is named; where none is, or none of ours, that is a fault, and the first one stands in."""
    chosen = said.choice("templateId", [template.id for template in templates])
    return next(template for template in templates if template.id == chosen)


def always(definition: D, _: str, __: str) -> D:
    """The `reduced` of a kind whose every picture needs the whole definition."""
    return definition


def no_options(_: Any) -> int:
    """The `options` of a kind that nobody votes in."""
    return 0


def consults_nothing(_: Any) -> None:
    """The `consults` of a kind whose URLs speak for themselves."""
    return


async def unfetched(urls: Mapping[str, str], tools: Tools) -> Sequence[tuple[str, str]]:
    """A warning for each attribute whose URL has no picture to show now; all are asked at once."""
    found = await asyncio.gather(*(tools.fault(url) for url in urls.values()))
    return [
        (attribute, f"{fault}; until it is a picture it is not shown")
        for attribute, fault in zip(urls, found, strict=True)
        if fault is not None
    ]


async def nothing_odd(_: Any, __: int, ___: Tools) -> Sequence[tuple[str, str]]:
    """The `check` of a kind whose definitions name nothing elsewhere, and know no time."""
    return ()


def leads_nowhere(_: Any, __: Look) -> str | None:
    """The `land` of a kind without links."""
    return None
