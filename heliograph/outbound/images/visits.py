"""Looks, votes and followed links as records: who came, as far as the request tells and the account keeps. Pure.

A URL may carry our own signed reference (`r`), which names message and person, or an `id` that a foreign sender put
there, which names a person of theirs; without either a look belongs to the picture alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from heliograph import slots
from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.events import subjects
from heliograph.events.engagement import ImageShown, LinkClicked, VoteCast
from heliograph.events.event import Data, Record, new_id
from heliograph.merge_tags import unfilled
from heliograph.outbound.images.published import Content
from heliograph.react.state import records
from heliograph.react.state.records import Name
from heliograph.react.state.records import Record as Found
from heliograph.readers import NO_ACCEPT, Readers, Visit, VisitKind, Who
from heliograph.refs import ForgedRef, Refs
from heliograph.web.http import Request
from heliograph.web.visitors import accept, kept, purpose

PERSON_LIMIT = 128
"""Characters of a foreign sender's id."""

_encode = msgspec.json.Encoder().encode


class Visitor(NamedTuple):
    """Whose copy of the mail it is. `person` is ours or a foreign sender's; `ours`: it is ours."""

    message: str | None = None
    person: str | None = None
    ours: bool = False


NOBODY = Visitor()


def visitor(parameters: Mapping[str, str], content: Content, refs: Refs) -> Visitor:
    """Who the URL says it is. A reference that is not ours, or another account's, says nothing."""
    if token := parameters.get(slots.REFERENCE):
        try:
            ref = refs.read_image(token)
        except ForgedRef:
            return NOBODY
        return Visitor(ref.message, ref.person, True) if ref.account == content.account else NOBODY
    said = parameters.get(slots.PERSON, "").strip()
    if not said or len(said) > PERSON_LIMIT or unfilled(said):
        return NOBODY
    return Visitor(person=kept(said))


class Scribe:
    """Writes the records of one worker's doors, and says who is looking as far as one request tells."""

    def __init__(self, directory: Directory, readers: Readers) -> None:
        self._directory = directory
        self._readers = readers

    def who(self, kind: VisitKind, request: Request) -> Who:
        """Who looks, votes or clicks. What is known of the message may change that later (`reader.judged`)."""
        return self._readers.who(
            Visit(
                kind=kind,
                user_agent=kept(request.header("user-agent")),
                method=request.method,
                address=request.client,
                referrer=kept(request.header("referer")),
                accept="" if kind == "image" else accept(request) or NO_ACCEPT,
                purpose="" if kind == "image" else purpose(request),
            )
        )

    def shown(
        self,
        content: Content,
        who: Visitor,
        request: Request,
        reader: str,
        variant: str,
        parameter: str,
        now: int,
    ) -> Record:
        """The `image.shown` of one look."""
        data = ImageShown(
            **self._visit(content, who, request),
            image=content.id,
            variant=variant,
            parameter=kept(parameter),
            person=who.person,
            reader=reader,
        )
        return _record(data, content, who, now)

    def voted(
        self, content: Content, who: Visitor, request: Request, reader: str, option: int, now: int
    ) -> Record:
        """The `vote.cast` of one followed vote link."""
        data = VoteCast(
            **self._visit(content, who, request, link=True),
            tracker=content.id,
            option=option,
            person=who.person,
            reader=reader,
        )
        return _record(data, content, who, now)

    def clicked(self, content: Content, who: Visitor, request: Request, url: str, now: int) -> Record:
        """The `link.clicked` of one followed picture."""
        data = LinkClicked(**self._visit(content, who, request, link=True), url=url, image=content.id)
        return _record(data, content, who, now)

    def looked_up(
        self, content: Content, who: Visitor, request: Request, name: Name, found: Found | None, now: int
    ) -> Record:
        """The hit or miss of a context record that a picture or its link asked for (MG-7)."""
        account = self._directory.account(content.account)
        ip = kept_ip(request.client, account.policy.ip) if account else ""
        data = records.told(name, found, ip=ip, message=who.message, image=content.id)
        return _record(data, content, who, now)

    def _visit(
        self, content: Content, who: Visitor, request: Request, *, link: bool = False
    ) -> dict[str, Any]:
        """`link`: what tells a browser from what calls itself one is kept too; of pictures it tells nothing."""
        account, client = self._directory.account(content.account), request.client
        followed = {"accept": accept(request) or NO_ACCEPT, "purpose": purpose(request)} if link else {}
        return {
            "message": who.message,
            "ip": kept_ip(client, account.policy.ip) if account else "",
            "network": self._readers.network(client),
            "user_agent": kept(request.header("user-agent")),
            "referrer": kept(request.header("referer")),
            **followed,
        }


def _record(data: Data, content: Content, who: Visitor, now: int) -> Record:
    return Record(
        new_id(now), content.account, data.kind, _subject(content, who), now, now, None, _encode(data)
    )


def _subject(content: Content, who: Visitor) -> str:
    """Our person, else the message, else the picture. Whose a foreign id is we cannot tell, unless it is an address:
    then it is its owner's fact, which an erasure must find."""
    if who.person and (who.ours or "@" in who.person):
        return subjects.person(who.person) if who.ours else subjects.email(who.person)
    if who.message:
        return subjects.thing("message", who.message)
    return subjects.thing("image", content.id)
