"""The calls of the Personalize API, as the document has them (S2), and our own additions in its style.

Reading is from state and the shelf; publishing appends one event and answers when that is on disk, so that the URL in
the answer can be used at once, by whichever worker is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from heliograph.clock import Clock, iso
from heliograph.errors import BadRequest, NotFound, TooLarge
from heliograph.journal.journal import Journal
from heliograph.outbound.images import authoring, previews
from heliograph.outbound.images.api.access import Caller
from heliograph.outbound.images.api.answers import check_content_type, decoded, document, warnings
from heliograph.outbound.images.kinds import BY_SEGMENT, KINDS
from heliograph.outbound.images.kinds.kind import Kind, Place, Template, Tools, image
from heliograph.outbound.images.published import Content, Shelf, content_of, new_image_id
from heliograph.outbound.images.report import votes
from heliograph.react.state import images
from heliograph.signing import Keyring
from heliograph.web.limits import Limit

BODY_LIMIT = 256 * 1024
"""Bytes of a body: a conditional image of the most rules has half of it."""
PAGE_SIZE, PAGE_LIMIT = 20, 100

Answer = tuple[int, dict[str, Any]]
"""Status and document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What the calls need. `base`: what the API's own URLs begin with; `picture` and `click`: those of pictures and
    links, without a slash at the end."""

    shelf: Shelf
    tools: Tools
    journal: Journal
    clock: Clock
    setups: Limit
    base: str
    picture: str
    click: str

    async def templates(self, _: Caller, request: Request) -> Answer:
        """`GET /templates[?filter[contentType]=timers]` (PER-2)."""
        wanted = request.query_params.get("filter[contentType]")
        kinds = [kind for kind in KINDS if wanted is None or kind.name == wanted]
        return 200, document([self._template(kind, one) for kind in kinds for one in kind.templates])

    async def template(self, _: Caller, request: Request) -> Answer:
        """`GET /templates/ID`."""
        wanted = request.path_params["id"]
        for kind in KINDS:
            for template in kind.templates:
                if template.id == wanted:
                    return 200, document(self._template(kind, template))
        raise NotFound(f"There is no template {wanted[:60]!a}.")

    async def preview(self, caller: Caller, request: Request, master: Keyring) -> Answer:
        """`POST /KIND/preview`: URLs of pictures to look at (PER-5)."""
        draft = await self._draft(caller, request, preview=True)
        kind, shown = draft.kind, draft.preview
        attributes: dict[str, Any] = {}
        for part, media_type in shown.parts.items():
            definition = kind.reduced(draft.definition, part, draft.sample)
            sketch = previews.Sketch(caller.account.number, kind, part, draft.sample, definition)
            token = previews.seal(master, sketch, self.clock.now())
            link = image(f"{self.base}/previews/{token}.png", media_type)
            attributes |= {part: link} if part else link
        data = {
            "id": new_image_id(),
            "type": kind.name,
            "attributes": {**attributes, **shown.attributes},
        }
        return 200, document(data, meta=warnings(draft.warnings))

    async def publish(self, caller: Caller, request: Request) -> Answer:
        """`POST /KIND/publish`: content that never changes, and its URLs (PER-15)."""
        draft = await self._draft(caller, request, preview=False)
        content, record = authoring.publication(draft, caller.account.number, caller.key.id, self.clock.now())
        await self.journal.append((record,))
        self.shelf.put(content)
        return 200, document(self._resource(content), meta=warnings(draft.warnings))

    async def published(self, caller: Caller, request: Request) -> Answer:
        """`GET /KIND[?filter[archived]=true&page[size]=20&page[after]=ID]`: newest first. Ours."""
        kind = _kind(request)
        size, archived = _size(request), request.query_params.get("filter[archived]") == "true"
        after = None
        if named := request.query_params.get("page[after]"):
            after = await self.shelf.ask(lambda connection: images.find(connection, named))
            if after is None or after.account != caller.account.number:
                raise BadRequest("There is no such content.", field="page[after]")

        def listed(connection: Any) -> tuple[list[images.Image], dict[str, dict[tuple[str, str], int]]]:
            found = images.published(
                connection, caller.account.number, kind.name, archived=archived, after=after, limit=size + 1
            )
            return found, images.impressions(connection, [one.id for one in found])

        found, counts = await self.shelf.ask(listed)
        contents = [content for one in found[:size] if (content := content_of(one)) is not None]
        data = [
            {**self._resource(content), "meta": _about(content, counts[content.id])} for content in contents
        ]
        links = {}
        if len(found) > size:
            more = {"page[size]": str(size), "page[after]": found[size - 1].id}
            query = "&".join(
                f"{name}={value}"
                for name, value in (more | ({"filter[archived]": "true"} if archived else {})).items()
            )
            links = {"next": f"{self.base}/{kind.segment}?{query}"}
        return 200, document(data, links=links)

    async def one(self, caller: Caller, request: Request) -> Answer:
        """`GET /KIND/ID`: its URLs, its definition, and how often it was looked at. Ours."""
        content = await self._owned(caller, request)
        counts = await self.shelf.ask(lambda connection: images.impressions(connection, [content.id]))
        return 200, document(self._resource(content), meta=_about(content, counts[content.id], whole=True))

    async def archive(self, caller: Caller, request: Request) -> Answer:
        """`POST /KIND/ID/archive`: out of the lists; its URLs still answer, for mails that are out. Ours."""
        content = await self._owned(caller, request)
        now = self.clock.now()
        await self.journal.append((authoring.archiving(content, caller.key.id, now),))
        return 200, document(self._resource(content), meta={"archivedAt": iso(now)})

    async def report(self, caller: Caller, request: Request) -> Answer:
        """`GET /sentiment-trackers/ID/report` (PER-11)."""
        content = await self._owned(caller, request)
        options = content.kind.options(content.definition)
        if not options:
            raise NotFound(f"There is no report of {content.kind.segment}: nobody votes there.")
        tallies = await self.shelf.ask(lambda connection: images.tally(connection, content.id))
        attributes, meta = votes(options, tallies)
        data = {"type": f"{content.kind.name}_report", "id": content.id, "attributes": attributes}
        return 200, document(data, meta=meta)

    async def drawn(self, request: Request, master: Keyring) -> Response:
        """`GET /previews/TOKEN.png`: a preview's picture. Needs no key: the token is one."""
        token = request.path_params["token"].rpartition(".")[0]
        sketch = previews.unseal(master, token, self.clock.now())
        if sketch is None:
            raise NotFound("This is no preview of ours, or it is older than a day: ask for another.")
        self.setups.spend(sketch.account)
        picture = await sketch.kind.draw(
            sketch.definition, sketch.part, sketch.sample, self.clock.now(), self.tools
        )
        if picture is None:
            raise NotFound("The picture's source cannot be shown now.")
        headers = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(picture.body, 200, headers, picture.media_type)

    async def _draft(self, caller: Caller, request: Request, *, preview: bool) -> authoring.Draft:
        kind = _kind(request)
        check_content_type(request.headers.get("content-type", ""))
        body = await request.body()
        if len(body) > BODY_LIMIT:
            raise TooLarge(f"The body has {len(body)} bytes; the limit is {BODY_LIMIT}.")
        draft = authoring.read(kind, decoded(body), preview=preview)
        self.setups.spend(caller.account.number)
        return await authoring.tried(draft, self.clock.now(), self.tools)

    async def _owned(self, caller: Caller, request: Request) -> Content:
        kind, wanted = _kind(request), request.path_params["id"]
        content = await self.shelf.find(wanted)
        if content is None or content.kind is not kind or content.account != caller.account.number:
            raise NotFound(f"There is no {kind.segment} {wanted[:60]!a}.")
        return content

    def _resource(self, content: Content) -> dict[str, Any]:
        place = Place(content.id, self.picture, self.click)
        return {
            "id": content.id,
            "type": content.kind.name,
            "attributes": content.kind.published(content.definition, place),
        }

    def _template(self, kind: Kind[Any], template: Template) -> dict[str, Any]:
        return {
            "type": "templates",
            "id": template.id,
            "attributes": {"contentType": kind.name, "colors": list(template.colours)},
            "links": {"self": f"{self.base}/templates/{template.id}"},
        }


def _kind(request: Request) -> Kind[Any]:
    segment = request.path_params["segment"]
    kind = BY_SEGMENT.get(segment)
    if kind is None:
        raise NotFound(f"There is no kind of content called {segment[:60]!a}: {', '.join(BY_SEGMENT)}.")
    return kind


def _size(request: Request) -> int:
    said = request.query_params.get("page[size]", str(PAGE_SIZE))
    if not (said.isascii() and said.isdigit() and 1 <= int(said[:9]) <= PAGE_LIMIT):
        raise BadRequest(f"A page has from 1 to {PAGE_LIMIT}.", field="page[size]")
    return int(said)


def _about(content: Content, counts: Mapping[tuple[str, str], int], *, whole: bool = False) -> dict[str, Any]:
    made: dict[str, Any] = {
        "publishedAt": iso(content.published),
        "archivedAt": None if content.archived is None else iso(content.archived),
        "impressions": sum(counts.values()),
    }
    if whole:
        made["impressionsByVariant"] = _summed(counts, 0)
        made["impressionsByReader"] = _summed(counts, 1)
        made["definition"] = content.definition
    return made


def _summed(counts: Mapping[tuple[str, str], int], place: int) -> dict[str, int]:
    made: dict[str, int] = {}
    for key, views in sorted(counts.items()):
        name: Sequence[str] = key
        made[name[place]] = made.get(name[place], 0) + views
    return made
