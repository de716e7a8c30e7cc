"""By whose clock a person lives, and how we know it: their own word, their last order, their phone, the account.

Each answer names its source, because a message at the wrong hour must be explained: a country with several zones is
a guess, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import phonenumbers
import pytz
from sqlalchemy import Connection, or_, select

from heliograph.react.state.goods import ORDERS
from heliograph.react.state.people import Person

NAMES = ("time_zone", "timezone", "timeZone")
"""What shops call it."""

_ADDRESSES = ("shipping_address", "billing_address", "default_address", "customer")


class Zone(NamedTuple):
    """A time zone by its IANA name, and in words how we know that it is theirs."""

    name: str
    source: str

    @property
    def rules(self) -> ZoneInfo:
        """Its clock."""
        return ZoneInfo(self.name)


def zone_of(connection: Connection, account: str, person: Person | None, usual: str) -> Zone:
    """A person's time zone: as their attribute says, else their address, else the country of their last order, else
    of their phone; else `usual`, the account's."""
    if person is not None:
        for name in NAMES:
            if (told := named(person.document.get(name))) is not None:
                return Zone(told, f"the person's {name}")
        address = _of_country(country_in(person.document), "the person's address")
        found = address or _of_last_order(connection, account, person) or _of_phone(person)
        if found is not None:
            return found
    return Zone(named(usual) or "UTC", "the account")


def named(name: object) -> str | None:
    """The zone of this IANA name; None where there is none, whatever somebody has written."""
    return _known(name.strip()) if isinstance(name, str) and name.strip() else None


def country_in(document: Mapping[str, Any]) -> str | None:
    """The country of an address in a customer or order, as two letters."""
    for name in ("country_code", "country"):
        value = document.get(name)
        if isinstance(value, str) and value.strip().upper() in pytz.country_timezones:
            return value.strip().upper()
    for name in _ADDRESSES:
        inner = document.get(name)
        if isinstance(inner, Mapping) and (found := country_in(inner)) is not None:
            return found
    return None


def phone_country(phone: str | None) -> str | None:
    """The country of a number in the form +4930..., as two letters."""
    if not phone or not phone.startswith("+"):
        return None
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


def _of_last_order(connection: Connection, account: str, person: Person) -> Zone | None:
    who = [ORDERS.c.email == person.email] if person.email else []
    who += [ORDERS.c.customer_id == person.customer_id] if person.customer_id else []
    if not who:
        return None
    last = select(ORDERS.c.document).where(ORDERS.c.account == account, ORDERS.c.deleted.is_(None), or_(*who))
    document = connection.scalar(last.order_by(ORDERS.c.began.desc(), ORDERS.c.id.desc()).limit(1))
    return _of_country(country_in(document), "the last order") if isinstance(document, dict) else None


def _of_phone(person: Person) -> Zone | None:
    return _of_country(phone_country(person.phone), "the phone")


def _of_country(country: str | None, where: str) -> Zone | None:
    zones = pytz.country_timezones.get(country) if country else None
    if not zones:
        return None
    several = f", the first of its {len(zones)} zones" if len(zones) > 1 else ""
    return Zone(str(zones[0]), f"{where}: {country}{several}")


@lru_cache(maxsize=1024)
def _known(name: str) -> str | None:
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
