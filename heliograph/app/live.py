"""Live pictures for the command line: the same reading, drawing and publishing as the API's, without a web worker."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from heliograph.app.accounts import account_number
from heliograph.app.storage import reading, recording
from heliograph.clock import SystemClock, iso
from heliograph.database import open_state
from heliograph.egress import Egress
from heliograph.errors import OperatorError, Unprocessable, reason_of
from heliograph.outbound.images import authoring, embedding
from heliograph.outbound.images.kinds import BY_NAME, BY_SEGMENT, KINDS
from heliograph.outbound.images.kinds.kind import Drawn, Place
from heliograph.outbound.images.live import PICTURES
from heliograph.outbound.images.means import Means
from heliograph.outbound.images.published import Content, Shelf
from heliograph.outbound.images.report import votes
from heliograph.outbound.images.sources.sources import Sources
from heliograph.react.state import images
from heliograph.settings import Settings, picture_urls

LISTED = 10_000
"""Pictures of a kind that are listed at most."""


class Told(NamedTuple):
    """What an author is told: the id and URLs of a publication, and what is odd."""

    id: str
    urls: list[str]
    warnings: list[str]


async def preview(settings: Settings, file: Path, into: Path) -> tuple[list[Path], list[str]]:
    """Draw what a file describes and write the pictures; returns them, and what is odd."""
    now = SystemClock().now()
    async with _tools(settings) as (tools, _):
        draft = await _read(file, now, tools, preview=True)
        drawn = await authoring.pictures(draft, now, tools)
    named = {"-".join(filter(None, (file.stem, part))): picture for part, picture in drawn}
    return _written(into, named), _warnings(draft)


async def publish(settings: Settings, account: str | None, file: Path) -> Told:
    """Publish what a file describes."""
    now = SystemClock().now()
    number = account_number(open_state(Path(settings.data), read_only=True), account)
    async with _tools(settings) as (tools, _):
        draft = await _read(file, now, tools, preview=False)
    content, record = authoring.publication(draft, number, "command line", now)
    async with recording(settings) as journal:
        await journal.append((record,))
    place = _place(settings, content)
    slots = content.kind.slots(content.definition, place)
    urls = [url for slot in slots for url in (slot.picture, slot.link) if url]
    return Told(content.id, urls, _warnings(draft))


async def html(settings: Settings, image: str, sender: str) -> str:
    """What to paste into a mail of this sender's system."""
    content = await _find(settings, image)
    return embedding.html(content.kind, content.definition, _place(settings, content, embedding.tags(sender)))


def listed(settings: Settings, account: str | None, *, archived: bool) -> list[tuple[Any, ...]]:
    """Id, type, template, when it was published, and looks, of everything an account published."""
    engine = open_state(Path(settings.data), read_only=True)
    number = account_number(engine, account)
    with engine.connect() as connection:
        found = [
            image
            for kind in KINDS
            for image in images.published(connection, number, kind.name, archived=archived, limit=LISTED)
        ]
        counts = images.impressions(connection, [image.id for image in found])
    return [
        (
            one.id,
            one.content_type,
            one.definition["template"],
            iso(one.published),
            sum(counts[one.id].values()),
        )
        for one in found
    ]


async def archive(settings: Settings, image: str) -> None:
    """Take content out of lists; its URLs still answer."""
    content = await _find(settings, image)
    async with recording(settings) as journal:
        await journal.append((authoring.archiving(content, "command line", SystemClock().now()),))


async def report(settings: Settings, image: str) -> dict[str, Any]:
    """How often content was looked at, and for trackers the votes."""
    content = await _find(settings, image)
    engine = open_state(Path(settings.data), read_only=True)
    with engine.connect() as connection:
        counts = images.impressions(connection, [image])[image]
        tallies = images.tally(connection, image)
    made: dict[str, Any] = {
        "id": image,
        "type": content.kind.name,
        "impressions": [
            {"variant": variant, "reader": reader, "views": views}
            for (variant, reader), views in sorted(counts.items())
        ],
    }
    if options := content.kind.options(content.definition):
        attributes, meta = votes(options, tallies)
        made |= {**attributes, **meta}
    return made


async def _read(file: Path, now: int, tools: Means, *, preview: bool) -> authoring.Draft:
    """The draft in a file: a body as the API takes it, whose `data.type` (or `type`) says which kind it is."""
    said = _said(file)
    data = said.get("data", said) if isinstance(said, dict) else {}
    named = data.get("type") if isinstance(data, dict) else None
    kind = BY_NAME.get(named) or BY_SEGMENT.get(named) if isinstance(named, str) else None
    if kind is None:
        raise OperatorError(f"{file}: type must be one of {', '.join(BY_NAME)}")
    body = {"data": {**data, "type": kind.name, "attributes": data.get("attributes", _rest(data))}}
    try:
        return await authoring.tried(authoring.read(kind, body, preview=preview), now, tools)
    except Unprocessable as error:
        lines = "\n".join(f"  {fault.field.removeprefix('/data/')}: {fault.reason}" for fault in error.faults)
        raise OperatorError(f"{file}: {error.message}\n{lines}") from error


def _said(file: Path) -> Any:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise OperatorError(f"{file} cannot be read: {reason_of(error)}") from error


def _written(into: Path, pictures: Mapping[str, Drawn]) -> list[Path]:
    into.mkdir(parents=True, exist_ok=True)
    made = []
    for name, picture in pictures.items():
        made.append(into / f"{name}.{picture.media_type.rpartition('/')[2]}")
        made[-1].write_bytes(picture.body)
    return made


def _rest(data: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a file that has them beside its type."""
    return {name: value for name, value in data.items() if name not in ("type", "id")}


async def _find(settings: Settings, image: str) -> Content:
    async with _tools(settings) as (_, shelf):
        content = await shelf.find(image)
    if content is None:
        raise OperatorError(f"there is no published picture {image}; `heliograph image list` shows them")
    return content


@contextlib.asynccontextmanager
async def _tools(settings: Settings) -> AsyncIterator[tuple[Means, Shelf]]:
    clock, data = SystemClock(), Path(settings.data)
    engine = open_state(data, read_only=True)
    egress = Egress(settings)
    sources = Sources(egress, clock, data / PICTURES)
    try:
        async with reading(settings) as journal:
            shelf = Shelf(engine, journal, clock)
            yield Means(sources, shelf), shelf
    finally:
        await sources.close()
        await egress.close()
        engine.dispose()


def _place(settings: Settings, content: Content, tag: embedding.Tag | None = None) -> Place:
    picture, click = picture_urls(settings)
    return Place(content.id, picture, click, tag)


def _warnings(draft: authoring.Draft) -> list[str]:
    return [f"{fault.field.removeprefix('/data/attributes/')}: {fault.reason}" for fault in draft.warnings]
