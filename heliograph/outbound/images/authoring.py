"""From what an author says to published content: reading, trying, recording. The API and the command line both come here.

What is published was drawn once before, so a text that no font has, or that does not fit, is refused while somebody
can mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from heliograph.errors import Fault, Undrawable, Unprocessable
from heliograph.events import codec, subjects
from heliograph.events.event import Record
from heliograph.events.jobs import ImageArchived, ImagePublished
from heliograph.outbound.images.attributes import Attributes, Findings
from heliograph.outbound.images.kinds.kind import Drawn, Kind, Preview, Tools
from heliograph.outbound.images.published import Content, new_image_id

POINTER = "/data/attributes"


class Draft(NamedTuple):
    """Attributes that can be drawn. `sample` is what only a preview has; `warnings` by pointer."""

    kind: Kind[Any]
    definition: Any
    sample: str
    warnings: tuple[Fault, ...]

    @property
    def preview(self) -> Preview:
        """What its author is shown."""
        return self.kind.preview(self.definition, self.sample)


def read(kind: Kind[Any], said: Any, *, preview: bool) -> Draft:
    """What a body says about a picture of this kind. Raises `Unprocessable` with every fault."""
    body = Attributes(said, "", Findings())
    data = body.inside("data")
    type_, _ = data.raw("type"), data.raw("id")
    if type_ is not None and type_ != kind.name:
        data.fault("type", f"must be {kind.name} here")
    if "attributes" not in data:
        data.fault("attributes", "must be given")
        body.settle()
    attributes = data.inside("attributes")
    definition = kind.read(attributes)
    sample = kind.sample(attributes, definition, preview)
    body.settle()
    return Draft(kind, definition, sample, tuple(body.findings.warnings))


async def tried(draft: Draft, now: int, tools: Tools) -> Draft:
    """The draft after each of its pictures was drawn once, with the warnings that this gave. Raises
    `Unprocessable` where one cannot be."""
    found = await draft.kind.check(draft.definition, now, tools)
    try:
        await pictures(draft, now, tools)
    except Undrawable as error:
        raise Unprocessable("It cannot be drawn.", faults=(Fault(POINTER, error.message),)) from error
    more = tuple(Fault(f"{POINTER}/{attribute}", reason) for attribute, reason in found)
    return draft._replace(warnings=draft.warnings + more)


def publication(draft: Draft, account: str, by: str, now: int) -> tuple[Content, Record]:
    """New content and the event that makes it so; twice the same draft gives two (PER-15)."""
    content = Content(new_image_id(), account, draft.kind, draft.definition, now)
    data = ImagePublished(
        image=content.id,
        content_type=draft.kind.name,
        definition=msgspec.to_builtins(draft.definition),
        by=by,
    )
    return content, _record(data, content, now)


def archiving(content: Content, by: str, now: int) -> Record:
    """The event that takes content out of lists."""
    return _record(ImageArchived(image=content.id, by=by), content, now)


def _record(data: ImagePublished | ImageArchived, content: Content, now: int) -> Record:
    subject = subjects.thing("image", content.id)
    return codec.encode(codec.make(data, account=content.account, subject=subject, now=now))


async def pictures(draft: Draft, now: int, tools: Tools) -> Sequence[tuple[str, Drawn]]:
    """Every picture of a preview, by part."""
    drawn = [
        (part, await draft.kind.draw(draft.definition, part, draft.sample, now, tools))
        for part in draft.preview.parts
    ]
    return [(part, picture) for part, picture in drawn if picture is not None]
