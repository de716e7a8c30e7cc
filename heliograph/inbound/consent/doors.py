"""The doors of unsubscribe and confirmation links: GET shows a page, only POST wishes something.

RFC 8058: the POST carries no cookies, is answered without a redirect, and acts at once; a mail program that
fetches the link by GET or HEAD must change nothing (STD-1). The wish is on disk before the answer; while the
disk cannot take it the answer is 503, because here the truth matters more than the picture.

A wish's id is derived from the message, from the page that was shown, and from a short window of time: a double
click or a mail program's second try is recorded once, and somebody who came back to the list and leaves it again
by the same old link is heard again. What has already followed from a wish is `react.policies`' to know.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.clock import SECOND, Clock
from heliograph.errors import CallerError, NotAllowed, Unavailable
from heliograph.events import codec, subjects
from heliograph.events.consent import SubscriptionConfirmed, UnsubscriptionRequested
from heliograph.events.event import Data, derived_id
from heliograph.inbound.consent import pages
from heliograph.journal.journal import Journal
from heliograph.refs import ForgedRef, MessageRef, Refs
from heliograph.web.http import Handler, Headers, Reply, Request, Route

BODY_LIMIT = 16 * 1024
"""Bytes of a POST's body; RFC 8058's has 26, in multipart a few hundred."""

HEADER_LIMIT = 512
"""Characters kept of a User-Agent."""

RETRY_WINDOW = 60 * SECOND
"""One-click POSTs of one message within this time are one wish: mail programs try again within seconds."""

CLICK_WINDOW = 10 * SECOND
"""The same for one showing of our page: a double click, a reload."""


def routes(directory: Directory, refs: Refs, journal: Journal, clock: Clock) -> tuple[Route, ...]:
    """`/u/{token}` and `/k/{token}`."""
    return (
        Route("u", _unsubscribe_door(directory, refs, journal, clock), page_error),
        Route("k", _confirm_door(directory, refs, journal, clock), page_error),
    )


def _unsubscribe_door(directory: Directory, refs: Refs, journal: Journal, clock: Clock) -> Handler:
    async def handler(request: Request) -> Reply:
        try:
            ref = refs.read_unsubscribe(request.path[3:])
        except ForgedRef:
            return pages.unknown_link()
        now = clock.now()
        sender = _sender(directory, ref)
        if _is_look(request):
            return pages.ask_unsubscribe(sender, now)
        seen = await _seen(request)
        wish = UnsubscriptionRequested(
            message=ref.message,
            how="one_click" if seen is None else "page",
            ip=_ip(directory, ref, request),
            user_agent=_user_agent(request),
            web_copy=ref.web_copy,
        )
        await _record(journal, ref, wish, seen, now)
        return pages.unsubscribed(sender, refs.confirm(ref), now)

    return handler


def _confirm_door(directory: Directory, refs: Refs, journal: Journal, clock: Clock) -> Handler:
    async def handler(request: Request) -> Reply:
        try:
            ref = refs.read_confirm(request.path[3:])
        except ForgedRef:
            return pages.unknown_link()
        now = clock.now()
        sender = _sender(directory, ref)
        if _is_look(request):
            return pages.ask_confirm(sender, now)
        wish = SubscriptionConfirmed(
            message=ref.message, ip=_ip(directory, ref, request), user_agent=_user_agent(request)
        )
        await _record(journal, ref, wish, await _seen(request), now)
        return pages.confirmed(sender)

    return handler


def page_error(error: CallerError | Unavailable) -> Reply:
    """What was raised, as a page for people; 405 and 503 with what the protocol asks for."""
    if isinstance(error, Unavailable):
        again: Headers = (("retry-after", str(error.retry_after)),)
        return pages.failed(503, "We cannot take this down right now. Please try again in a moment.", again)
    extra: Headers = (("allow", "GET, HEAD, POST"),) if isinstance(error, NotAllowed) else ()
    return pages.failed(error.status, error.message, extra)


def _is_look(request: Request) -> bool:
    if request.method in ("GET", "HEAD"):
        return True
    if request.method != "POST":
        raise NotAllowed("Open this link in a browser, or POST to it.")
    return False


async def _seen(request: Request) -> int | None:
    """The instant at which our page was shown, when its form was sent; None for RFC 8058's body in either
    encoding, for an empty one and for anything else: whoever holds the link and posts means it."""
    body = await request.body(BODY_LIMIT)
    if not request.header("content-type").lower().startswith("application/x-www-form-urlencoded"):
        return None
    try:
        value = parse_qs(body.decode("ascii"), max_num_fields=20).get("seen", [""])[0]
    except ValueError:
        return None
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 20 else None


async def _record(journal: Journal, ref: MessageRef, wish: Data, seen: int | None, now: int) -> None:
    page, window = (str(seen), CLICK_WINDOW) if seen is not None else ("", RETRY_WINDOW)
    event = codec.make(
        wish,
        account=ref.account,
        subject=subjects.person(ref.person) if ref.person else subjects.thing("message", ref.message),
        now=now,
        cause=ref.message,
        id=derived_id(ref.message, wish.kind, page, str(now // window)),
    )
    await journal.append_once((codec.encode(event),))


def _sender(directory: Directory, ref: MessageRef) -> str:
    account = directory.account(ref.account)
    return account.policy.from_name or account.name if account else ""


def _ip(directory: Directory, ref: MessageRef, request: Request) -> str:
    account = directory.account(ref.account)
    return kept_ip(request.client, account.policy.ip) if account else ""


def _user_agent(request: Request) -> str:
    return request.header("user-agent")[:HEADER_LIMIT].encode("utf-8", "replace").decode()
