"""The doors of the contacts API. Comes in: contacts with a key, sign-up forms without one, questions for customers.

Goes out: events, and the answers that existing clients wait for: `"status": "OK"` of a contact, counts of a batch,
`customers` of a page. Whether somebody is known is asked of state, which may be some milliseconds behind: it
decides how an event is called, not whose it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
from sqlalchemy import Engine

from heliograph.accounts.model import Account
from heliograph.accounts.privacy import kept_ips
from heliograph.clock import Clock
from heliograph.errors import BadRequest, NotAllowed, Unauthorized
from heliograph.events.event import Record
from heliograph.events.people import Scalar
from heliograph.inbound.collect.access import Access, for_pages
from heliograph.inbound.collect.answers import check_accept, ok
from heliograph.inbound.collect.arrivals import KEYLESS_BODY, body_of, sender_of
from heliograph.inbound.collect.bodies import json_object
from heliograph.inbound.collect.contacts.batch import Batch
from heliograph.inbound.collect.contacts.contact import NOBODY, read_contact
from heliograph.inbound.collect.contacts.records import (
    Arrival,
    Identity,
    identities,
    records,
    unsubscriptions,
)
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.fitting import fit
from heliograph.inbound.collect.identities import address, phone
from heliograph.inbound.collect.reading import checked_client_id
from heliograph.journal.journal import Journal
from heliograph.react.state import customers
from heliograph.settings import Settings
from heliograph.web.http import Reply, Request, plain_error

PAGE = 100
"""Customers on a page, unless `limit` says otherwise; and the most that it may say is ten times as many."""

Answer = Callable[[Request, Account], Awaitable[Reply]]


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """A body of `contacts/unsubscribe`."""

    email: str | None = None
    sms_phone_number_e164: Scalar = None
    sms_phone_number: Scalar = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactDoors:
    """What the handlers need; `state` is read only, in threads."""

    journal: Journal
    clock: Clock
    settings: Settings
    access: Access
    state: Engine

    async def api(self, request: Request) -> Reply | None:
        """Below `/api`: `v1/stores/ID/contacts`, `v1/stores/ID/contacts/unsubscribe`,
        `v2/stores/ID/contacts/batch`, `v2/stores/ID/customers`. None for every other path."""
        parts = request.path.strip("/").split("/")
        if len(parts) < 5 or parts[0] != "api" or parts[2] != "stores":
            return None
        handler = self._handler(parts[1], tuple(parts[4:]))
        if handler is None:
            return None
        return await for_pages(request, self.access.store(request, parts[3]), handler)

    def _handler(self, version: str, what: tuple[str, ...]) -> Answer | None:
        match version, *what:
            case "v1", "contacts":
                return self._contact
            case "v1", "contacts", "unsubscribe":
                return self._unsubscribe
            case "v2", "contacts", "batch":
                return self._batch
            case "v2", "customers":
                return self._customers
        return None

    async def _contact(self, request: Request, account: Account) -> Reply:
        """One sign-up: with a key, or without one as a page has it (RM-24)."""
        _check_post(request)
        keyless = not self.access.admit(request, account, contacts=True)
        check_accept(request.header("accept"))
        client_id = checked_client_id(request.header("x-event-id"), "x-event-id")
        sender = sender_of(request, account, keyless=keyless)
        limit = self.settings.body_limit
        said = await body_of(request, min(limit, KEYLESS_BODY) if keyless else limit)
        body = kept_ips(said, sender.keep_ip)
        findings = Findings(sender.strict)
        contact = read_contact(body, sender, findings, form=True)
        notes = findings.settle()
        contact.customer.setdefault("append_tags", True)
        arrival = Arrival(sender=sender, type="contacts", now=self.clock.now(), client_id=client_id)
        known = await self._known(account, identities(contact, sender))
        made = records(contact, body, arrival, notes, known=bool(known))
        new = await self._record(made, once=client_id != "")
        return _taken(made[0].id, notes, new=new)

    async def _unsubscribe(self, request: Request, account: Account) -> Reply:
        """Somebody asked the shop to be written to no more."""
        _check_post(request)
        self._check_key(request, account)
        sender = sender_of(request, account, keyless=False)
        client_id = checked_client_id(request.header("x-event-id"), "x-event-id")
        body = kept_ips(await body_of(request, self.settings.body_limit), sender.keep_ip)
        findings = Findings(sender.strict)
        said = msgspec.convert(fit(json_object(body), Leaving, findings), Leaving)
        email = address(said.email, ("email",), findings) if said.email else None
        number = phone(
            said.sms_phone_number_e164 or said.sms_phone_number,
            "sms_phone_number_e164",
            findings,
            country=sender.country,
        )
        if email is None and number is None:
            findings.refuse("email", NOBODY)
        notes = findings.settle()
        arrival = Arrival(
            sender=sender, type="contacts/unsubscribe", now=self.clock.now(), client_id=client_id
        )
        made = unsubscriptions(email, number, said.reason, body, arrival, notes)
        new = await self._record(made, once=client_id != "")
        return _taken(made[0].id, notes, new=new)

    async def _batch(self, request: Request, account: Account) -> Reply:
        """Up to 100 contacts, from servers only (RM-18)."""
        _check_post(request)
        self._check_key(request, account)
        sender = sender_of(request, account, keyless=False)
        body = kept_ips(await body_of(request, self.settings.body_limit), sender.keep_ip)
        batch = Batch(body, Arrival(sender=sender, type="contacts/batch", now=self.clock.now()))
        for _ in batch.read():
            await asyncio.sleep(0)
        made = batch.records(await self._known(account, batch.wanted()))
        if made:
            await self.journal.append(made)
        return ok(batch.answer())

    async def _customers(self, request: Request, account: Account) -> Reply:
        """A page of customers, or the one of an address; `page` counts from 1."""
        if request.method != "GET":
            return _only_get(request)
        self._check_key(request, account)
        asked = parse_qs(request.query, max_num_fields=20)
        page = _whole(asked, "page", 1, 10_000_000)
        limit = _whole(asked, "limit", PAGE, 10 * PAGE)
        email = asked.get("email", [""])[-1].strip()

        def look() -> bytes:
            with self.state.connect() as connection:
                if email:
                    one = customers.of_address(connection, account.number, email)
                    return customers.shown([one] if one is not None and page == 1 else [], page, limit)
                found = customers.page(connection, account.number, offset=(page - 1) * limit, limit=limit)
                return customers.shown(found, page, limit)

        return ok(await asyncio.to_thread(look))

    def _check_key(self, request: Request, account: Account) -> None:
        if not self.access.admit(request, account, contacts=True):
            raise Unauthorized("This is for servers only: send x-token or x-api-key.", field="x-token")
        check_accept(request.header("accept"))

    async def _known(self, account: Account, wanted: Iterable[Identity]) -> set[Identity]:
        def look() -> set[Identity]:
            with self.state.connect() as connection:
                return customers.known(connection, account.number, wanted)

        return await asyncio.to_thread(look)

    async def _record(self, made: list[Record], *, once: bool) -> bool:
        if once:
            return any(await self.journal.append_once(made))
        await self.journal.append(made)
        return True


def _taken(event_id: str, notes: tuple[str, ...], *, new: bool) -> Reply:
    """`OK` in capitals: a form plug-in in use compares it so."""
    answer: dict[str, object] = {"status": "OK", "id": event_id}
    if not new:
        answer["duplicate"] = True
    if notes:
        answer["notes"] = notes
    return ok(msgspec.json.encode(answer))


def _only_get(request: Request) -> Reply:
    reply = plain_error(NotAllowed(f"Customers are asked for with GET, not {request.method}."))
    return reply._replace(headers=(*reply.headers, ("allow", "GET, OPTIONS")))


def _check_post(request: Request) -> None:
    if request.method != "POST":
        raise NotAllowed(f"Contacts are sent with POST, not {request.method}.")


def _whole(asked: dict[str, list[str]], name: str, default: int, most: int) -> int:
    """A whole number of a query, from 1 on. Raises `BadRequest`."""
    said = asked.get(name, [""])[-1].strip()
    if not said:
        return default
    if not (said.isascii() and said.isdigit() and len(said) <= 9 and 1 <= int(said) <= most):
        raise BadRequest(f"`{name}` is a whole number from 1 to {most}.", field=name)
    return int(said)
