"""Keys for DKIM as an operator handles them: make, look up in the DNS, let sign, remove."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.rdatatype
import dns.resolver
from sqlalchemy import Engine

from heliograph.accounts import dkim
from heliograph.accounts.dkim import Algorithm, DkimKey
from heliograph.app.accounts import account_number
from heliograph.clock import SECOND, SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.settings import Settings

LOOKUP_SECONDS = 10.0
DNS_PORT = 53


class Published(NamedTuple):
    """What the DNS has of a key. `why` is empty where it is what it must be."""

    key: DkimKey
    why: str


def add(
    settings: Settings,
    account: str | None,
    domain: str,
    selector: str | None,
    algorithms: Sequence[Algorithm],
) -> list[DkimKey]:
    """New keys; without a selector it is named for the day, such as `hg20261122`."""
    engine, number = _opened(settings, account)
    now = SystemClock().now()
    name = selector or f"hg{datetime.fromtimestamp(now / SECOND, UTC):%Y%m%d}"
    with engine.begin() as connection:
        return dkim.add_dkim_keys(connection, number, domain, name, now, algorithms)


def keys(settings: Settings, account: str | None, domain: str | None = None) -> list[DkimKey]:
    """The keys, of all accounts unless one is named."""
    with open_state(Path(settings.data), read_only=True).connect() as connection:
        return dkim.dkim_keys(connection, account, domain)


def activate(settings: Settings, account: str | None, domain: str, selector: str) -> DkimKey:
    """This key signs from now on, within a second, in place of the one of its algorithm that did."""
    engine, number = _opened(settings, account)
    with engine.begin() as connection:
        key = _one(dkim.dkim_keys(connection, number, domain, selector), domain, selector)
        dkim.activate(connection, key, SystemClock().now())
    return key


def remove(settings: Settings, account: str | None, domain: str, selector: str) -> None:
    """The key is gone. One that signs must be replaced first."""
    engine, number = _opened(settings, account)
    with engine.begin() as connection:
        dkim.remove(connection, _one(dkim.dkim_keys(connection, number, domain, selector), domain, selector))


def published(keys: Sequence[DkimKey], resolver: str | None = None) -> list[Published]:
    """What the DNS has of these keys; asked at `resolver` (HOST or HOST:PORT), else where this machine asks."""
    asked = _resolver(resolver)
    return [Published(key, _difference(key, asked)) for key in keys]


def _difference(key: DkimKey, resolver: dns.resolver.Resolver) -> str:
    try:
        answer = resolver.resolve(key.name, dns.rdatatype.TXT, lifetime=LOOKUP_SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "there is no TXT record of this name yet"
    except (dns.exception.DNSException, OSError) as error:
        return f"it could not be looked up: {str(error) or type(error).__name__}"
    records = [b"".join(record.strings).decode("utf-8", "replace") for record in answer]
    if len(records) > 1:
        return "there are several TXT records of this name: verifiers take any one of them, or none"
    wanted, found = _tags(key.record), _tags(records[0])
    if found.get("p") == "":
        return "the record revokes the key: its p= is empty"
    if found.get("k", "rsa") != wanted["k"] or _bytes(found.get("p", "")) != _bytes(wanted["p"]):
        return "the record is of another key"
    return ""


def _tags(record: str) -> dict[str, str]:
    """The tags of a record, without white space (RFC 6376 3.2)."""
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip(): "".join(value.split()) for name, equals, value in pairs if equals}


def _bytes(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return None


def _resolver(address: str | None) -> dns.resolver.Resolver:
    if address is None:
        return dns.resolver.Resolver()
    resolver = dns.resolver.Resolver(configure=False)
    host, _, port = address.partition(":")
    try:
        resolver.nameservers = [host]
        resolver.port = int(port) if port else DNS_PORT
    except ValueError as error:
        raise OperatorError(
            f"{address} is no address of a name server, such as 192.0.2.1 or 192.0.2.1:53"
        ) from error
    return resolver


def _opened(settings: Settings, account: str | None) -> tuple[Engine, str]:
    engine = open_state(Path(settings.data))
    return engine, account_number(engine, account)


def _one(found: Sequence[DkimKey], domain: str, selector: str) -> DkimKey:
    if not found:
        raise OperatorError(f"there is no key {selector} of {domain}; `heliograph dkim list` shows them")
    return found[0]
