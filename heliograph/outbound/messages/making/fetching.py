"""Files that are fetched for one message, when it is sent: an invoice, a ticket, by a URL that its own values are put into.

A URL's host stands in it as written, so no value chooses whom we call; `egress` judges the address as it does every other.
A file that is late (a server away, 429, 5xx) makes its message wait, one that cannot be had ends it, and it alone. Few are
fetched at once: a file server that hangs holds up mails with files, not the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from heliograph.accounts.model import Account
from heliograph.attachments.rules import fault, type_of
from heliograph.clock import Clock
from heliograph.egress import Egress
from heliograph.events.event import Event
from heliograph.events.messages import Attachment, MessageRequested, RenderError
from heliograph.outbound.messages.facts.look import Facts
from heliograph.outbound.messages.facts.lookups import RECORDS, Lookups, Sources
from heliograph.outbound.messages.making.enclosing import Enclosure, NotFetched, enclose
from heliograph.outbound.messages.templates.compose import one_line, values
from heliograph.outbound.messages.templates.sandbox import TEXT, Source, parse

AT_ONCE = 8
"""Messages whose files are fetched at the same time."""

PART = "ATTACHMENT"


class Late(NamedTuple):
    """Not now, and why. `busy`: others' files are being fetched, which speaks against nobody."""

    why: str
    busy: bool = False


class Fetching:
    """Fetches the files of messages; one for the process that sends."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress, self._clock = egress, clock
        self._places = asyncio.Semaphore(AT_ONCE)

    async def fetched(
        self, request: Event[MessageRequested], facts: Facts, account: Account
    ) -> tuple[Attachment, ...] | RenderError | Late:
        """The message's attachments, those with a URL with what is there now."""
        if self._places.locked():
            return Late(f"the files of {AT_ONCE} other messages are being fetched", busy=True)
        filling = {
            **facts.objects,
            **values(request.data, facts.person, account, self._clock.now(), {}),
            RECORDS: Sources(Lookups(facts.record)),
        }
        found: list[Attachment] = []
        async with self._places:
            for one in request.data.attachments:
                made = await self._file(one, filling) if one.url else one
                if not isinstance(made, Attachment):
                    return made
                found.append(made)
        return tuple(found)

    async def _file(
        self, wanted: Attachment, filling: Mapping[str, object]
    ) -> Attachment | RenderError | Late:
        said = [self._filled(text, filling) for text in (wanted.name, wanted.url)]
        if (wrong := next((one for one in said if isinstance(one, RenderError)), None)) is not None:
            return wrong
        name, url = (one_line(str(one)) for one in said)
        if reason := fault(name, wanted.content_type or type_of(name), wanted.content_id):
            return _failed(reason)
        named = Enclosure(name=name, url=url, content_type=wanted.content_type, content_id=wanted.content_id)
        try:
            return await enclose(named, self._egress)
        except NotFetched as error:
            return Late(str(error)) if error.passing else _failed(str(error))

    def _filled(self, text: str, filling: Mapping[str, object]) -> str | RenderError:
        source = _parsed(text)
        return source if isinstance(source, RenderError) else source.render(filling, self._clock, PART)


@lru_cache(maxsize=64)  # those of an automation or a job are the same for all its messages
def _parsed(text: str) -> Source | RenderError:
    return parse(text, TEXT, PART)


def _failed(reason: str) -> RenderError:
    return RenderError(code="Attachment error", message=reason[:500], part=PART)
