"""Kinds about people: who they are, which of their addresses and devices we know.

The wire form of a customer is Remarkety's (`customers/create`, S3) read tolerantly: ids may be numbers,
tags a comma string, genders words (RM-8, RM-23). The functions at the end give the normal forms.
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from heliograph.events.event import Data, Said

Scalar = str | int | float | bool | None
"""A value whose type senders do not agree on."""


class Customer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A customer as shops describe one. Unknown fields stay in the event's raw data."""

    id: Scalar = None
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    accepts_marketing: Scalar = None
    accepts_sms_marketing: Scalar = None
    accepts_tracking: Scalar = None
    append_tags: Scalar = None
    update_existing: Scalar = None
    birthdate: Scalar = None
    created_at: Scalar = None
    updated_at: Scalar = None
    default_address: dict[str, Any] | None = None
    gender: Scalar = None
    groups: list[Any] | None = None
    rewards: dict[str, Any] | None = None
    tags: list[Any] | str | None = None
    verified_email: Scalar = None
    sms_phone_number_e164: str | None = None
    locale: str | None = None
    time_zone: str | None = None
    timestamp: Scalar = None


class PersonCreated(Data, frozen=True, kw_only=True):
    """A customer was created in the shop."""

    kind: ClassVar[str] = "person.created"
    inner: ClassVar[str | None] = "person"
    person: Customer
    said: Said | None = None
    notes: tuple[str, ...] = ()
    keyless: bool = False
    """Said by a page without a key (RM-2): it names people, and has no power over who they are or what they agreed to."""


class PersonUpdated(PersonCreated, frozen=True, kw_only=True):
    """A customer was changed in the shop; with a known id and another address, renamed (RM-9)."""

    kind: ClassVar[str] = "person.updated"


class PersonDeleted(PersonCreated, frozen=True, kw_only=True):
    """A customer was deleted in the shop; often only `{id}` or `{id, email}` (RM-23)."""

    kind: ClassVar[str] = "person.deleted"


class PersonMerged(Data, frozen=True, kw_only=True):
    """Two people turned out to be one: `other` is now `person`. `by`: a rule, an operator."""

    kind: ClassVar[str] = "person.merged"
    person: str
    other: str
    because: str = ""
    by: str = ""


class ErasureRequested(Data, frozen=True, kw_only=True):
    """A person's data are to be removed (STD-7). Its id is the erasure's; nothing of them is in here."""

    kind: ClassVar[str] = "erasure.requested"
    person: str
    by: str = ""


class PersonErased(Data, frozen=True, kw_only=True):
    """A person's data were removed on request (STD-7). Nothing of them is in here. `events`: how many were blanked;
    `mentions`: how many of others had said something of them."""

    kind: ClassVar[str] = "person.erased"
    person: str
    events: int = 0
    mentions: int = 0


class DeviceRegistered(Data, frozen=True, kw_only=True):
    """An app can be pushed to. `service` is APNS, FCM or SNS; `application` the app's own id."""

    kind: ClassVar[str] = "device.registered"
    device: str
    service: str
    application: str = ""
    email: str | None = None
    customer_id: str | None = None
    said: Said | None = None
    notes: tuple[str, ...] = ()


class DeviceRemoved(Data, frozen=True, kw_only=True):
    """A device can no longer be pushed to."""

    kind: ClassVar[str] = "device.removed"
    device: str
    reason: str = ""
    said: Said | None = None
    notes: tuple[str, ...] = ()


def text_id(value: Scalar) -> str | None:
    """A shop's id as text: zeros in front stay (RM-23); None for null, blank and booleans."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value).strip() or None


def tag_list(value: list[Any] | str | None) -> list[str] | None:
    """Tags from an array or a comma string (RM-8); None when the sender said nothing."""
    if value is None:
        return None
    parts = value.split(",") if isinstance(value, str) else [str(part) for part in value if part is not None]
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


_GENDERS = {"m": "M", "male": "M", "f": "F", "female": "F"}
_YES = {"true", "1", "yes", "y", "on"}
_NO = {"false", "0", "no", "n", "off"}


def gender(value: Scalar) -> str | None:
    """`M` or `F` from what plug-ins send (`male`, `Female`, `m`); None for anything else."""
    return _GENDERS.get(str(value).strip().lower()) if value is not None else None


def flag(value: Scalar) -> bool | None:
    """Yes, no, or not said: `true`, `1`, `"yes"`; None stands for unknown (S3)."""
    if value is None or isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    return True if word in _YES else False if word in _NO else None
