"""`/v5`: log in for a token, and look records up by it.

One `data` is answered with the record itself, several with an object by `PREFIX-KEY`, null where there is none; how
the vendor puts several keys is not public (wire-facts 8), ours are `data` repeated or separated by commas. The answer
comes when its hits and misses are on disk: each key is exactly one of them, or the call has failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from sqlalchemy import Engine

from heliograph.accounts import tokens
from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key
from heliograph.accounts.privacy import kept_ip
from heliograph.clock import SECOND, Clock, to_datetime
from heliograph.errors import BadRequest, NotAllowed, NotFound, Unauthorized
from heliograph.events import codec
from heliograph.events.event import Record as JournalRecord
from heliograph.journal.journal import Journal
from heliograph.react.state import records
from heliograph.react.state.records import Name, Record
from heliograph.settings import Settings
from heliograph.web.http import Reply, Request, Route, json_reply, plain_error
from heliograph.web.limits import Limit, site

PREFIX = "v5"
LOGIN, CONTEXT = "/v5/provisioning/login", "/v5/engage/context"

MOST_KEYS = 100
"""Keys of one request."""
BODY_LIMIT = 4096
QUERY_LIMIT = 65_536

NO_STORE = (("cache-control", "no-store"),)


class Login(msgspec.Struct, frozen=True):
    """Who logs in: the account's number, and an API key of it."""

    username: str
    password: str


def routes(
    directory: Directory, journal: Journal, engine: Engine, clock: Clock, settings: Settings
) -> tuple[Route, ...]:
    """The door. `engine` only reads."""
    door = Door(
        directory=directory,
        journal=journal,
        engine=engine,
        clock=clock,
        by_key=Limit(settings.key_rate, clock),
        by_address=Limit(settings.address_rate, clock),
    )
    return (Route(PREFIX, door.answer, plain_error),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Answers both calls; everything else below `/v5` is nobody's here."""

    directory: Directory
    journal: Journal
    engine: Engine
    clock: Clock
    by_key: Limit
    by_address: Limit

    async def answer(self, request: Request) -> Reply | None:
        """One call. Raises `CallerError` or `Unavailable`."""
        if request.path == LOGIN:
            if request.method != "POST":
                raise NotAllowed("Log in by POST.")
            return self._log_in(request, await request.body(BODY_LIMIT))
        if request.path == CONTEXT:
            if request.method not in ("GET", "HEAD"):
                raise NotAllowed("Look up by GET.")
            return await self._look_up(request)
        return None

    def _log_in(self, request: Request, body: bytes) -> Reply:
        try:
            said = msgspec.json.decode(body, type=Login)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise BadRequest(
                f'The body must be {{"username": ACCOUNT, "password": API KEY}}: {error}'
            ) from error
        key = self._key(said.password)
        if key is None or key.account != said.username:
            self.by_address.spend(site(request.client))
            raise Unauthorized("username is the account's 12-digit number, password an API key of it.")
        now = self.clock.now()
        token = tokens.issue_jwt(self.directory.master, key.account, key.id, now)
        ends = to_datetime(now + tokens.LIFETIME * SECOND)
        return json_reply(200, {"token": token, "expirationDate": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}, NO_STORE)

    async def _look_up(self, request: Request) -> Reply:
        account = self._account(request)
        names = _names(request.query)
        now = self.clock.now()
        found = await asyncio.to_thread(self._find, account.number, names, now)
        if request.method == "GET":
            ip = kept_ip(request.client, account.policy.ip)
            await self.journal.append([_told(account, name, found.get(name), ip, now) for name in names])
        return _shown(names, found)

    def _find(self, account: str, names: Sequence[Name], now: int) -> dict[Name, Record]:
        with self.engine.connect() as connection:
            return records.find(connection, account, names, now)

    def _account(self, request: Request) -> Account:
        """Whose records: by a token from the login, or by the API key itself. Raises `Unauthorized`."""
        sent = request.header("authorization").strip()
        if sent[:7].lower() == "bearer ":
            sent = sent[7:].strip()
        sent = sent or request.header("x-api-key")
        key = self._bearer(sent) if "." in sent else self._key(sent)
        account = self.directory.account(key.account) if key is not None else None
        if key is None or account is None:
            self.by_address.spend(site(request.client))
            raise Unauthorized(
                f"Send a token of POST {LOGIN} that has not ended, or an API key: Authorization: TOKEN."
            )
        self.by_key.spend(key.id)
        return account

    def _bearer(self, sent: str) -> Key | None:
        try:
            token = tokens.read_jwt(self.directory.master, sent)
        except tokens.ForgedToken:
            return None
        return self.directory.key_of_id(token.client) if token.left(self.clock.now()) > 0 else None

    def _key(self, sent: str) -> Key | None:
        key = self.directory.token(sent) if sent.isascii() else None
        return key if key is not None and key.kind == "api" else None


def _names(query: str) -> list[Name]:
    """The keys that are asked for, each once, in order. Raises `BadRequest`."""
    if len(query) > QUERY_LIMIT:
        raise BadRequest(f"The query has more than {QUERY_LIMIT} characters.", field="data")
    try:
        said = [value for name, value in parse_qsl(query, max_num_fields=2 * MOST_KEYS) if name == "data"]
    except ValueError as error:
        raise BadRequest("The query has too many parameters.", field="data") from error
    ids = [one for value in said for one in value.split(",") if one]
    if not ids:
        raise BadRequest("Say which record: data=PREFIX-KEY.", field="data")
    names = list(dict.fromkeys(map(_name, ids)))
    if len(names) > MOST_KEYS:
        raise BadRequest(f"At most {MOST_KEYS} keys at once.", field="data")
    return names


def _name(id: str) -> Name:
    name = records.named(id)
    if name is None:
        raise BadRequest(f"{id[:80]!r} is no record: write PREFIX-KEY.", field="data")
    return name


def _told(account: Account, name: Name, found: Record | None, ip: str, now: int) -> JournalRecord:
    subject = records.subject(name, keep_case=account.policy.keep_local_case)
    data = records.told(name, found, ip=ip)
    return codec.encode(codec.make(data, account=account.number, subject=subject, now=now))


def _shown(names: Sequence[Name], found: dict[Name, Record]) -> Reply:
    if len(names) > 1:
        by_id: dict[str, Any] = {name.id: found[name].document if name in found else None for name in names}
        return json_reply(200, by_id, NO_STORE)
    record = found.get(names[0])
    if record is None:
        return _missing(names[0])
    return json_reply(200, record.document, NO_STORE)


def _missing(name: Name) -> Reply:
    return plain_error(NotFound(f"There is no record {name.id}.", field="data"))
