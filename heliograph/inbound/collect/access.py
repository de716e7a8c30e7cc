"""Who may send events: stores, keys, browsers of listed origins, and how often (RM-2, RM-4, RM-22).

Everything here is decided from the request line and the headers, before a byte of the body is read: a plug-in with
a wrong key repeats each event four times.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key
from heliograph.clock import Clock
from heliograph.errors import CallerError, NotFound, Unauthorized, Unavailable
from heliograph.inbound.collect.answers import METHODS, refused
from heliograph.settings import Settings
from heliograph.web.http import Headers, Reply, Request
from heliograph.web.limits import Limit, site

HEADERS = (
    "content-type, x-event-type, x-token, x-api-key, x-domain, x-platform, x-event-time, cache-control, x-event-id, "
    "x-source"
)
"""What a page may send (RM-13), and our own two."""

PREFLIGHT_SECONDS = 7200
"""How long browsers may remember a preflight; Chromium's own maximum."""


@dataclass(frozen=True, slots=True)
class Access:
    """The keys and the limits of one worker."""

    directory: Directory
    by_key: Limit
    by_address: Limit
    by_store: Limit

    @classmethod
    def of(cls, directory: Directory, clock: Clock, settings: Settings) -> Access:
        """The accesses of a worker that begins; all doors share one, so that they share its limits."""
        return cls(
            directory,
            by_key=Limit(settings.key_rate, clock),
            by_address=Limit(settings.address_rate, clock),
            by_store=Limit(settings.page_rate, clock),
        )

    def store(self, request: Request, store_id: str) -> Account:
        """The account of a store id. Raises `NotFound`."""
        account = self.directory.store(store_id)
        if account is None:
            self.by_address.spend(site(request.client))
            raise NotFound(
                f"There is no store {store_id[:40]!a}." if store_id else _NO_STORE, field="storeId"
            )
        return account

    def admit(self, request: Request, account: Account, *, contacts: bool = False) -> bool:
        """Whether the caller has a key of the account; False for a browser that needs none. Raises `Unauthorized`
        for any other, `TooManyRequests`. `contacts`: the documents of the contacts API have the account's key in
        x-token; and where the account has open forms, a server that is no browser needs no key either (RM-24)."""
        token, api_key = request.header("x-token"), request.header("x-api-key")
        key = self._key(token, "store", account) or self._key(api_key, "api", account)
        if key is None and contacts:
            key = self._key(token, "api", account)
        if key is not None:
            self.by_key.spend(key.id)
            return True
        self.by_address.spend(site(request.client))
        if token or api_key:
            raise Unauthorized(f"This is no key of store {account.store_id}: {_KEYS}.", field=_named(token))
        origin = request.header("origin")
        open_form = contacts and not origin and account.policy.open_forms
        if not open_form and not allowed_origin(account, origin):
            raise Unauthorized(f"Send a key: {_KEYS}.", field="x-token")
        self.by_store.spend(account.number)
        return False

    def charge(self, request: Request, account: Account, events: int) -> None:
        """What a keyless request costs that holds so many events more than one. Raises `TooManyRequests`."""
        self.by_address.spend(site(request.client), events)
        self.by_store.spend(account.number, events)

    def keyholder(self, request: Request) -> Account:
        """The account whose key is sent, of either kind. Raises `Unauthorized`, `TooManyRequests`."""
        token, api_key = request.header("x-token"), request.header("x-api-key")
        key = self._key(token, "store") or self._key(api_key, "api")
        account = self.directory.account(key.account) if key else None
        if key is None or account is None:
            self.by_address.spend(site(request.client))
            raise Unauthorized(f"Send a key: {_KEYS}.", field=_named(token))
        self.by_key.spend(key.id)
        return account

    def _key(self, token: str, kind: str, account: Account | None = None) -> Key | None:
        if not token or not token.isascii():
            return None
        key = self.directory.token(token)
        if key is None or key.kind != kind or (account is not None and key.account != account.number):
            return None
        return key


def store_of(path: str, query: str) -> str:
    """The store that a webhook URL names: `/webhooks/?storeId=ID`, `/webhooks?storeId=ID`, `/webhooks/store/ID`,
    with or without a slash at the end (RM-1). Raises `NotFound` for other paths; empty if none is named."""
    parts = path.strip("/").split("/")
    if len(parts) == 3 and parts[1] == "store":
        return parts[2]
    if len(parts) == 1:
        return store_in(query)
    raise NotFound("Events are sent to /webhooks/store/STORE_ID or /webhooks/?storeId=STORE_ID.")


def store_in(query: str) -> str:
    """The store id in a query string; empty if there is none."""
    head, _, value = query.partition("=")
    if head == "storeId" and value.isalnum():
        return value
    return parse_qs(query, max_num_fields=100).get("storeId", [""])[-1] if query else ""


def allowed_origin(account: Account, origin: str) -> bool:
    """Whether pages of this origin may send events without a key."""
    wanted = origin.lower()
    return origin != "" and any(wanted == one.rstrip("/").lower() for one in account.policy.browser_origins)


def cors(origin: str) -> Headers:
    """What lets a page of an allowed origin read the answer (RM-13): its own name, for it sends credentials."""
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
    )


async def for_pages(
    request: Request, account: Account, answer: Callable[[Request, Account], Awaitable[Reply]]
) -> Reply:
    """The answer, readable for pages of allowed origins, errors too; and what their browsers ask first (RM-13)."""
    origin = request.header("origin")
    named = cors(origin) if allowed_origin(account, origin) else ()
    if request.method == "OPTIONS":
        return Reply(204, _preflight(origin) if named else (("allow", METHODS), ("vary", "Origin")))
    if not named:
        return await answer(request, account)
    try:
        reply = await answer(request, account)
    except (CallerError, Unavailable) as error:
        reply = refused(error)
    return reply._replace(headers=(*reply.headers, *named, ("access-control-expose-headers", "retry-after")))


def _preflight(origin: str) -> Headers:
    return (
        *cors(origin),
        ("access-control-allow-methods", "POST"),
        ("access-control-allow-headers", HEADERS),
        ("access-control-max-age", str(PREFLIGHT_SECONDS)),
    )


_KEYS = "the store's key in x-token, or the account's in x-api-key"
_NO_STORE = "Name the store: /webhooks/store/STORE_ID or /webhooks/?storeId=STORE_ID."


def _named(token: str) -> str:
    return "x-token" if token else "x-api-key"
