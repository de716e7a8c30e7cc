"""The door of providers' callbacks: `/receipts/PROVIDER/STORE_ID`.

A callback is verified before it is read; then the body is kept as evidence, what follows from it is on disk, and only
then it is answered: a provider repeats what was not answered, and a repeat makes no second event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from prometheus_client import Counter
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.accounts.privacy import kept_ip
from heliograph.bounces.rules import Rule, load_rules
from heliograph.clock import Clock
from heliograph.errors import Forbidden, NotAcceptable, NotAllowed, NotFound, Unauthorized, Unavailable
from heliograph.events import codec
from heliograph.inbound.receipts.evidence import About, EvidenceFiles
from heliograph.inbound.receipts.providers import PROVIDERS
from heliograph.inbound.receipts.providers.provider import Callback, Fact, Lock, Provider
from heliograph.inbound.receipts.providers.telling import Teller, Told, tell
from heliograph.journal.journal import Journal
from heliograph.refs import Refs
from heliograph.settings import Settings, public_url
from heliograph.web.http import Reply, Request, Route, plain_error
from heliograph.web.limits import Limit, site

TAKEN = Counter("heliograph_receipts", "What providers told, by what became of it.", ["provider", "what"])

BODIES_AT_ONCE = 4
"""Callbacks that one worker reads at once: with the largest allowed body 64 MiB. Others wait unread."""

CERTIFICATES = 16
"""Certificates that are kept: Amazon has one for each region, and changes it once a year."""

TOKENS = 50_000
"""Tokens that one worker remembers. One that it never saw, or forgot, makes no second event either: ids are derived."""

Fetch = Callable[[str], Awaitable[bytes | None]]
"""What is behind a URL; None: nothing usable came back."""


def routes(
    directory: Directory,
    refs: Refs,
    journal: Journal,
    state: Engine,
    clock: Clock,
    settings: Settings,
    files: EvidenceFiles,
    fetch: Fetch,
) -> tuple[Route, ...]:
    """The route of this slice. `state` is read only."""
    doors = Doors(
        directory=directory,
        refs=refs,
        journal=journal,
        state=state,
        clock=clock,
        files=files,
        fetch=fetch,
        base=public_url(settings),
        body_limit=settings.batch_body_limit,
        rules=load_rules(settings),
        by_address=Limit(settings.address_rate, clock),
    )
    return (Route("receipts", doors.receive, plain_error),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """What the handler needs. `base`: what our URLs begin with, as providers call them."""

    directory: Directory
    refs: Refs
    journal: Journal
    state: Engine
    clock: Clock
    files: EvidenceFiles
    fetch: Fetch
    base: str
    body_limit: int
    rules: Sequence[Rule]
    by_address: Limit
    certificates: dict[str, bytes] = field(default_factory=dict)
    tokens: dict[tuple[str, str], None] = field(default_factory=dict)
    bodies: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(BODIES_AT_ONCE))

    async def receive(self, request: Request) -> Reply:
        """One callback."""
        try:
            provider, account = self._asked(request)
            lock = self._lock(request, provider, account)
            async with self.bodies:
                return await self._take(request, provider, account, lock)
        except (NotFound, Unauthorized, Forbidden):
            self.by_address.spend(site(request.client))
            raise

    def _asked(self, request: Request) -> tuple[Provider, Account]:
        parts = request.path.strip("/").split("/")
        provider = next((one for one in PROVIDERS if len(parts) == 3 and one.name == parts[1]), None)
        if provider is None:
            known = ", ".join(one.name for one in PROVIDERS)
            raise NotFound(f"Providers call /receipts/PROVIDER/STORE_ID; the providers are {known}.")
        account = self.directory.store(parts[2])
        if account is None:
            raise NotFound(f"There is no store {parts[2][:40]!a}.")
        if request.method != "POST":
            raise NotAllowed(f"Callbacks are sent with POST, not {request.method}.")
        return provider, account

    def _lock(self, request: Request, provider: Provider, account: Account) -> Lock:
        policy = account.policy
        if policy.receipt_networks and not _from(request.client, policy.receipt_networks):
            raise Forbidden("Callbacks to this account come from other addresses: receipt_networks.")
        keys = self.directory.keys(account.number, "receipts")
        secrets = tuple(key.secret for key in keys if key.public == provider.name)
        if not secrets and not policy.receipt_topics:
            raise Unauthorized(f"The account has not set up {provider.name}: it wants {provider.needs}.")
        return Lock(secrets, policy.receipt_topics)

    async def _take(self, request: Request, provider: Provider, account: Account, lock: Lock) -> Reply:
        now, query = self.clock.now(), f"?{request.query}" if request.query else ""
        told = lock.secrets[0] if lock.secrets else ""
        body = await request.body(self.body_limit)
        callback = Callback(f"{self.base}{request.path}{query}", request.header, body, now, told)
        where = provider.certificate(callback, lock)
        if where is not None:
            lock = lock._replace(certificate=await self._certificate(request, where))
        provider.verify(callback, lock)
        wanted = provider.confirms(callback)
        if wanted is not None and await self.fetch(wanted) is None:
            raise Unavailable("The subscription could not be confirmed just now.")
        token = provider.once(callback)
        if token is not None and (account.number, token) in self.tokens:
            raise NotAcceptable("This was taken already: its token must not be used again.")
        facts = provider.read(callback)
        if facts:
            await self._record(request, provider, account, callback, facts)
        if token is not None:
            self._remember(account, token)
        return provider.answer

    def _remember(self, account: Account, token: str) -> None:
        """Only what is on disk: a callback that we could not take may come again."""
        self.tokens[account.number, token] = None
        if len(self.tokens) > TOKENS:
            del self.tokens[next(iter(self.tokens))]

    async def _certificate(self, request: Request, url: str) -> bytes:
        known = self.certificates.get(url)
        if known is not None:
            return known
        self.by_address.spend(site(request.client))  # whoever makes us fetch something does not do so often
        found = await self.fetch(url)
        if found is None:
            raise Unavailable("The certificate could not be fetched just now.")
        if len(self.certificates) >= CERTIFICATES:
            self.certificates.clear()
        self.certificates[url] = found
        return found

    async def _record(
        self,
        request: Request,
        provider: Provider,
        account: Account,
        callback: Callback,
        facts: Sequence[Fact],
    ) -> None:
        evidence = self.files.id_of(account.number, callback.body)
        teller = Teller(account, provider, evidence, callback.now, self.refs, self.rules)
        told = await asyncio.to_thread(self._tell, teller, facts)
        events = {one.event.id: one.event for one in told if one.event is not None}
        if events:
            about = About(
                kind=provider.name,
                at=callback.now,
                events=tuple(events),
                ip=kept_ip(request.client, account.policy.ip),
            )
            await asyncio.to_thread(self.files.keep, account.number, callback.body, about)
            await self.journal.append_once([codec.encode(event) for event in events.values()])
        for one in told:
            TAKEN.labels(provider.name, one.counted).inc()

    def _tell(self, teller: Teller, facts: Sequence[Fact]) -> list[Told]:
        with self.state.connect() as connection:
            return tell(connection, teller, facts)


def _from(client: str, networks: Sequence[str]) -> bool:
    try:
        address = ip_address(client)
        return any(address in ip_network(network, strict=False) for network in networks)
    except ValueError:
        return False
