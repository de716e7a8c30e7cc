"""Which column says what: guessed from the headers that other systems write, or as the operator maps it.

What is known by a field of its own name here is read by `people` and `wishes`; `--map` may also give a column a
name of the operator's own, under which it becomes a property of the customer. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from heliograph.errors import OperatorError

KNOWN: dict[str, str] = {
    "id": "customer id, customer number, shopify id, external id, contact id, kundennummer",
    "email": "email address, mail, e mail adresse, correo electronico, adresse e mail",
    "first_name": "first name, given name, fname, vorname, prenom, nombre",
    "last_name": "last name, family name, surname, lname, nachname, nom, apellidos",
    "name": "full name, display name",
    "title": "salutation, anrede",
    "sms_phone_number_e164": "phone, phone number, mobile, mobile phone, sms phone number, telephone, telefon",
    "gender": "sex, geschlecht",
    "birthdate": "birthday, date of birth, birth date, geburtsdatum",
    "locale": "language, lang, preferred language",
    "time_zone": "timezone",
    "tags": "tag, labels, schlagworte",
    "created_at": "created, date added, profile created on, customer since, creation date",
    "updated_at": "updated, last changed, last updated, profile updated on",
    "address1": "address, street, default address address1, street address",
    "address2": "address 2, default address address2",
    "city": "default address city, ort, stadt",
    "province": "state, region, state / region, province code, default address province code, default address province",
    "zip": "zip code, postal code, postcode, default address zip, plz",
    "country": "country code, cc, default address country code, default address country, land",
    "company": "organization, organisation, default address company, firma",
    "consent": "accepts marketing, accepts email marketing, email marketing consent, marketing allowed, subscribed, "
    "status, email status, subscription status, subscriber status, email permission status, opt in, newsletter",
    "consent_at": "optin time, opt in time, email marketing consent timestamp, subscribed at, subscription date, "
    "confirmed opt in time, accepts marketing updated at",
    "consent_ip": "optin ip, opt in ip, signup ip",
    "confirmed_at": "confirm time, confirmation time, optin timestamp",
    "confirmed_ip": "confirm ip, confirmation ip",
    "unsubscribed_at": "unsub time, unsubscribe time, unsubscribed on, unsubscribe date",
    "unsubscribe_reason": "unsub reason, reason for unsubscribing",
    "cleaned_at": "clean time, bounced at",
    "sms_consent": "accepts sms marketing, sms marketing consent, sms marketing allowed",
    "sms_consent_at": "sms marketing consent timestamp",
    "suppressions": "email suppressions, suppression, suppression type, suppressed",
    "reason": "suppression reason",
    "suppressed_at": "suppressed on, suppression date",
}
"""Field -> what Mailchimp, Klaviyo, Shopify, Remarkety and others call it; compared by letters and digits alone."""

DOCUMENT = frozenset(
    {"default_address", "groups", "rewards", "accepts_marketing", "document", "verified_email"}
)
"""Fields of NDJSON that are taken as they are: the wire form of a customer (S3) and our own exports."""


def guess(columns: Iterable[str]) -> dict[str, str]:
    """Field -> column, for every column whose header is known; the first one of a field wins."""
    found: dict[str, str] = {}
    for column in columns:
        field = column if column in DOCUMENT else _BY_HEADER.get(_plain(column))
        if field is not None:
            found.setdefault(field, column)
    return found


def chosen(columns: Sequence[str], said: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The guess, put right by what the operator says: FIELD=COLUMN, or FIELD= for nothing. The first rows tell
    where addresses are if no header does. Raises `OperatorError` for a column that is not there, and where no column
    tells who a row is about."""
    found = guess(columns)
    for text in said:
        field, equals, column = text.partition("=")
        if not equals or not _FIELD.fullmatch(field):
            raise OperatorError(
                f"{text} is not FIELD=COLUMN, such as first_name=Vorname or favourite_colour=Colour"
            )
        if column and column not in columns:
            raise OperatorError(f"there is no column {column!r}: {', '.join(columns)}")
        found = {known: other for known, other in found.items() if other != column and known != field}
        if column:
            found[field] = column
    if "email" not in found:
        holding = [column for column in columns if column not in found.values() and _addresses(column, rows)]
        found |= {"email": holding[0]} if holding else {}
    if not {"email", "id", "sms_phone_number_e164"} & found.keys():
        raise OperatorError(
            f"say which column holds the address: --map email=COLUMN, one of {', '.join(columns)}"
        )
    return found


def unused(columns: Iterable[str], chosen: Mapping[str, str]) -> list[str]:
    """The columns that nothing is taken from."""
    taken = set(chosen.values())
    return [column for column in columns if column not in taken]


def _addresses(column: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    said = [str(row[column]) for row in rows if row.get(column)]
    return bool(said) and sum("@" in value for value in said) * 2 > len(said)


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", "", header).lower()


_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,99}", re.ASCII)
_BY_HEADER = {
    _plain(header): field for field, headers in KNOWN.items() for header in (field, *headers.split(","))
}
