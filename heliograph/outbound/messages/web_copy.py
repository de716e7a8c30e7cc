"""A mail as a web page ("view in browser"): `/w/TOKEN`, the address of which was in the mail (`{{ web_copy_url }}`).

Nothing is kept for it: the page is made again, by the same functions, of what was `sent`. So a million mails cost no
disk, and an erasure that empties the request empties the page. What the profile says of the person, and what context records say, is
what they say today. Opens and clicks of the page carry the mark of a web copy in their references, and so do the events
that follow from them.

The page runs no script and is in a sandbox of the browser: what authors and shops put into a template has no more
rights on our host than it has in a mail program.
"""

from __future__ import annotations

import asyncio
from html import escape

from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import Clock
from heliograph.database import Reading
from heliograph.journal.journal import JournalView
from heliograph.outbound.messages.facts.look import look_into
from heliograph.outbound.messages.mail.instrument import WEB_COPY_PATH
from heliograph.outbound.messages.making.letters import Desk, Failed
from heliograph.outbound.messages.sent import Sent, find_sent
from heliograph.outbound.messages.templates.compose import Composed
from heliograph.refs import ForgedRef, Refs
from heliograph.web.notices import notice

HEADERS = {
    "cache-control": "private, no-store",
    "content-security-policy": "default-src 'none'; img-src http: https: data:; style-src 'unsafe-inline' https:; "
    "font-src https:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox allow-top-navigation-by-user-activation",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex, nofollow",
}

_GONE = notice("There is nothing here any more", "The message that this link belongs to cannot be shown.")


class WebCopies:
    """Makes the pages of one worker."""

    def __init__(
        self,
        directory: Directory,
        refs: Refs,
        journal: JournalView,
        state: Engine,
        clock: Clock,
        desk: Desk,
    ) -> None:
        self._directory, self._refs, self._journal, self._state = directory, refs, journal, state
        self._desk = desk
        self._look = look_into(Reading(state), clock)

    def pages(self) -> list[BaseRoute]:
        """The routes."""
        return [Route(f"{WEB_COPY_PATH}{{token:str}}", self.answer)]

    async def answer(self, request: Request) -> Response:
        """The page; 404 where the message was erased, was never sent, or is none of ours."""
        html = await self._html(request.path_params["token"])
        return Response(html or _GONE, 200 if html else 404, HEADERS, "text/html; charset=utf-8")

    async def _html(self, token: str) -> str | None:
        try:
            ref = self._refs.read_web_copy(token)
        except ForgedRef:
            return None
        account = self._directory.account(ref.account)
        if account is None:
            return None
        sent = await find_sent(self._journal, self._state, ref.account, ref.message)
        return None if sent is None else await asyncio.to_thread(self._page, sent, account)

    def _page(self, sent: Sent, account: Account) -> str | None:
        composed = self._desk.page(sent.request, self._look.facts(sent.request), account, sent.at)
        return None if isinstance(composed, Failed) else _shown(composed)


def _shown(composed: Composed) -> str:
    if composed.html is not None:
        return composed.html
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(composed.subject)}</title></head>'
        f"<body><pre>{escape(composed.text)}</pre></body></html>\n"
    )
