"""The doors of unsubscribe, preference and confirmation links: GET shows a page, only POST wishes something.

RFC 8058: the POST carries no cookies, is answered without a redirect, and acts at once; a mail program that
fetches the link by GET or HEAD must change nothing (STD-1). The wish is on disk before the answer; while the
disk cannot take it the answer is 503, because here the truth matters more than the picture. Leaving and confirming
need no database: the reference says everything.
"""

from __future__ import annotations

from functools import partial

from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotAllowed, Unavailable
from heliograph.events.consent import SubscriptionConfirmed, UnsubscriptionRequested
from heliograph.inbound.consent import pages
from heliograph.inbound.consent.choosing import Chooser
from heliograph.inbound.consent.known import topic_title
from heliograph.inbound.consent.pages import Look
from heliograph.inbound.consent.wishing import (
    fields_of,
    ip_of,
    is_look,
    record,
    seen_at,
    sender_of,
    user_agent,
)
from heliograph.inbound.consent.wording import OURS, Wording, Wordings
from heliograph.inbound.consent.words import DEFAULT, preferred
from heliograph.journal.journal import Journal
from heliograph.refs import ForgedRef, MessageRef, Refs
from heliograph.web.http import Handler, Headers, Reply, Request, Route


def routes(
    directory: Directory,
    refs: Refs,
    journal: Journal,
    clock: Clock,
    state: Engine,
    wordings: Wordings | None = None,
) -> tuple[Route, ...]:
    """`/u/{token}`, `/k/{token}` and `/p/{token}`; `state` to read; `wordings`: how operators say it, None: as we do."""
    said = wordings or Wordings()
    told = partial(page_error, wording=said.common)
    return (
        Route("u", _unsubscribe_door(directory, refs, journal, clock, state, said), told),
        Route("k", _confirm_door(directory, refs, journal, clock, said), told),
        Route("p", Chooser(directory, refs, journal, clock, state, said).answer, told),
    )


def _unsubscribe_door(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, state: Engine, wordings: Wordings
) -> Handler:
    async def handler(request: Request) -> Reply:
        try:
            token = request.path[3:]
            ref = refs.read_unsubscribe(token)
        except ForgedRef:
            return _unknown(request, wordings)
        now, wording = clock.now(), wordings.of(ref.account)
        language = preferred(request.header("accept-language"), among=wording.languages)
        look = Look(language, sender_of(directory, ref), now, token, wording)
        if is_look(request):
            return pages.ask_unsubscribe(look, await _title(state, ref, language))
        fields = await fields_of(request)
        seen = seen_at(fields)
        everything = fields.get("scope") == ["all"]
        wish = UnsubscriptionRequested(
            message=ref.message,
            how="one_click" if seen is None else "page",
            ip=ip_of(directory, ref, request),
            user_agent=user_agent(request),
            web_copy=ref.web_copy,
            only_topic=ref.only_topic and not everything,
        )
        await record(journal, ref, [(wish, "all" if ref.only_topic and everything else "")], seen, now)
        title = await _title(state, ref, language) if wish.only_topic else None
        return pages.unsubscribed(look, refs.confirm(ref._replace(only_topic=False)), title)

    return handler


async def _title(state: Engine, ref: MessageRef, language: str) -> str | None:
    return await topic_title(state, ref, language) if ref.only_topic else None


def _unknown(request: Request, wordings: Wordings) -> Reply:
    wording = wordings.common
    return pages.unknown_link(preferred(request.header("accept-language"), among=wording.languages), wording)


def _confirm_door(
    directory: Directory, refs: Refs, journal: Journal, clock: Clock, wordings: Wordings
) -> Handler:
    async def handler(request: Request) -> Reply:
        try:
            ref = refs.read_confirm(request.path[3:])
        except ForgedRef:
            return _unknown(request, wordings)
        now, wording = clock.now(), wordings.of(ref.account)
        language = preferred(request.header("accept-language"), among=wording.languages)
        look = Look(language, sender_of(directory, ref), now, wording=wording)
        if is_look(request):
            return pages.ask_confirm(look)
        wish = SubscriptionConfirmed(
            message=ref.message, ip=ip_of(directory, ref, request), user_agent=user_agent(request)
        )
        await record(journal, ref, [(wish, "")], seen_at(await fields_of(request)), now)
        return pages.confirmed(look)

    return handler


def page_error(error: CallerError | Unavailable, wording: Wording = OURS) -> Reply:
    """What was raised, as a page for people; 405 and 503 with what the protocol asks for."""
    if isinstance(error, Unavailable):
        again: Headers = (("retry-after", str(error.retry_after)),)
        return pages.failed(503, wording.languages[DEFAULT]["try_again"], again, wording)
    extra: Headers = (("allow", "GET, HEAD, POST"),) if isinstance(error, NotAllowed) else ()
    return pages.failed(error.status, error.message, extra, wording)
