"""The doors: requests in, events recorded, answers out. The only part of this slice that waits for anything.

`/webhooks` is Remarkety's API, one event a request; `events/batch` is ours, up to 1,000. The checks go from the
cheapest to the dearest (RM-22); the answer is sent when the journal has the events on disk (RM-3).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import Clock
from heliograph.errors import BadRequest, NotAllowed, NotFound, TooLarge
from heliograph.inbound.collect import script
from heliograph.inbound.collect.access import Access, for_pages, store_in, store_of
from heliograph.inbound.collect.answers import accepted, check_accept, ok, refused
from heliograph.inbound.collect.batches import Batch, split
from heliograph.inbound.collect.bodies import inflated, without_bom
from heliograph.inbound.collect.countries import country_code
from heliograph.inbound.collect.identities import CONTROL, LONGEST
from heliograph.inbound.collect.reading import check_type, checked_client_id, read
from heliograph.inbound.collect.senders import Sender
from heliograph.journal.journal import Journal
from heliograph.settings import Settings
from heliograph.web.http import Reply, Request, Route

KEYLESS_BODY = 128 * 1024
"""Bytes that a page may send at once without a key."""

KEYLESS_EVENTS = 50
"""Events that a page may send at once without a key: a small body, so it waits for no other batch."""

BATCHES_AT_ONCE = 8
"""Batches whose bodies one worker holds: with the largest allowed body 128 MiB. Others wait unread."""


def routes(directory: Directory, journal: Journal, clock: Clock, settings: Settings) -> tuple[Route, ...]:
    """The routes of this slice, by first path segment:

    * `webhooks`: `/webhooks/?storeId=ID`, `/webhooks?storeId=ID`, `/webhooks/store/ID` (RM-1).
    * `events`: `/events/batch`, the account by its key, or the store by `?storeId=ID`.
    * `webtracking`: the script of pages.
    * `api`: `/api/v1/events/batch` and `/api/v1/stores/ID/events/batch`, the same door; all else below `api` is
      left to the pages.
    """
    doors = Doors(
        journal=journal,
        clock=clock,
        settings=settings,
        access=Access.of(directory, clock, settings),
    )
    return (
        Route("webhooks", doors.webhooks, refused),
        Route("events", doors.batch, refused),
        Route("api", doors.api, refused),
        *script.routes(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the handlers need."""

    journal: Journal
    clock: Clock
    settings: Settings
    access: Access
    bodies: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BATCHES_AT_ONCE))
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One batch is read at a time: reading two by turns ends neither sooner, and small requests would wait twice as long."""

    async def webhooks(self, request: Request) -> Reply:
        """One event (S3, "Server-Side API")."""
        account = self.access.store(request, store_of(request.path, request.query))
        return await for_pages(request, account, self._event)

    async def api(self, request: Request) -> Reply | None:
        """Batches again, below `/api`, where other slices live too."""
        if not request.path.rstrip("/").endswith("/events/batch"):
            return None
        return await self.batch(request)

    async def batch(self, request: Request) -> Reply:
        """Up to 1,000 events, NDJSON or a JSON array; one answer for each, in order. Pages send up to 50."""
        store_id = _batch_store(request)
        if store_id:
            return await for_pages(request, self.access.store(request, store_id), self._of_store)
        _check_post(request, "Batches")
        return await self._batch(request, self.access.keyholder(request))

    async def _of_store(self, request: Request, account: Account) -> Reply:
        _check_post(request, "Batches")
        if self.access.admit(request, account):
            return await self._batch(request, account)
        return await self._visit(request, account)

    async def _visit(self, request: Request, account: Account) -> Reply:
        """What a page has to say, all at once (`script/track.js`)."""
        check_accept(request.header("accept"))
        sender = self._sender(request, account, keyless=True)
        items = split(await self._body(request, KEYLESS_BODY), lines=False)
        if len(items) > KEYLESS_EVENTS:
            raise TooLarge(f"A page sends at most {KEYLESS_EVENTS} events at once.", field="body")
        self.access.charge(request, account, max(0, len(items) - 1))
        batch = Batch(sender, items, self.clock.now(), KEYLESS_BODY)
        for _ in batch.read():
            pass  # so few are read in one go
        return await self._record(batch)

    async def _batch(self, request: Request, account: Account) -> Reply:
        check_accept(request.header("accept"))
        sender = self._sender(request, account, keyless=False)
        async with self.bodies:
            body = await self._body(request, self.settings.batch_body_limit)
            kind = request.header("content-type").lower()
            lines = "ndjson" in kind or "jsonl" in kind
            async with self.turn:
                batch = Batch(sender, split(body, lines=lines), self.clock.now(), self.settings.body_limit)
                for _ in batch.read():
                    await asyncio.sleep(0)
            return await self._record(batch)

    async def _record(self, batch: Batch) -> Reply:
        recorded = None
        if batch.records:
            if batch.once:
                recorded = await self.journal.append_once(batch.records)
            else:
                await self.journal.append(batch.records)
        return ok(batch.answer(recorded))

    async def _event(self, request: Request, account: Account) -> Reply:
        _check_post(request, "Events")
        keyless = not self.access.admit(request, account)
        check_accept(request.header("accept"))
        name = request.header("x-event-type").strip()
        if not name:
            raise BadRequest(
                "Name the event's type in the header x-event-type, such as customers/update.",
                field="x-event-type",
            )
        check_type(name, keyless=keyless)
        client_id = checked_client_id(request.header("x-event-id"), "x-event-id")
        sender = self._sender(request, account, keyless=keyless)
        limit = self.settings.body_limit
        record, notes = read(
            sender,
            name,
            await self._body(request, min(limit, KEYLESS_BODY) if keyless else limit),
            self.clock.now(),
            time=request.header("x-event-time"),
            client_id=client_id,
        )
        if client_id:
            (new,) = await self.journal.append_once((record,))
            return ok(accepted(record.id, notes, new=new))
        await self.journal.append((record,))
        return ok(accepted(record.id, notes))

    def _sender(self, request: Request, account: Account, *, keyless: bool) -> Sender:
        # a page numbers its events apart from every server: else it could take their ids before they do
        source = request.header("origin") if keyless else request.header("x-source")
        if len(source) > LONGEST or CONTROL.search(source):
            raise BadRequest(
                f"x-source has up to {LONGEST} characters, none of them control.", field="x-source"
            )
        policy = account.policy
        return Sender(
            account=account.number,
            strict=policy.validation == "strict",
            keep_case=policy.keep_local_case,
            platform=request.header("x-platform"),
            domain=request.header("x-domain"),
            source=source,
            ip=request.client,
            keep_ip=policy.ip,
            keyless=keyless,
            country=country_code(policy.country),
        )

    async def _body(self, request: Request, limit: int) -> bytes:
        body = await request.body(limit)
        encoding = request.header("content-encoding")
        if encoding:
            body = await asyncio.to_thread(inflated, body, encoding, limit)
        return without_bom(body)


def _check_post(request: Request, what: str) -> None:
    if request.method != "POST":
        raise NotAllowed(f"{what} are sent with POST, not {request.method}.")


def _batch_store(request: Request) -> str:
    """The store that a batch's URL names; empty if its key decides. Raises `NotFound` for other paths."""
    parts = request.path.strip("/").split("/")
    if parts in (["events", "batch"], ["api", "v1", "events", "batch"]):
        return store_in(request.query)
    if len(parts) == 6 and parts[:3] == ["api", "v1", "stores"] and parts[4:] == ["events", "batch"]:
        return parts[3]
    raise NotFound("Batches are sent to /api/v1/events/batch or /api/v1/stores/STORE_ID/events/batch.")
