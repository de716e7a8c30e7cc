"""`/people/{person}/consent`, `/tracking`, `/devices`: what a person agreed to, on which channel, and the proof (STD-7)."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from heliograph.accounts.privacy import kept_ip
from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.api.resources.persons import known_person
from heliograph.api.resources.places import normal
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.consent import (
    Channel,
    SubscriptionRequested,
    TrackingChosen,
    UnsubscriptionRequested,
)
from heliograph.events.event import Said
from heliograph.privacy.dossier import consent_record
from heliograph.react.state import consent as known
from heliograph.react.state import devices, people
from heliograph.react.state.people import Person


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about marketing on a channel. `source`: where it is known from ("sign-up sheet, fair in May"), kept
    with the proof, as is the key that recorded it. `address`: which, if not their own on that channel; a device has to be
    named. A yes is confirmed first where the account asks for it (`double_optin` null), or as it says here."""

    opted_in: bool
    source: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    channel: Channel = "email"
    address: str | None = None
    double_optin: bool | None = None
    ip: str = ""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device. `service`: APNS, FCM or SNS. That it is registered is a yes, unless `suppressions` has a reason."""

    device: str
    service: str
    application: str
    registered_at: Instant
    suppressions: list[str]


class Devices(msgspec.Struct, frozen=True, kw_only=True):
    """A person's devices that can be pushed to, the newest first."""

    devices: list[Device]


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a person allows that what they open and click is tied to them; with what proves it."""

    allowed: bool
    source: str = ""
    ip: str = ""
    text_version: str = ""


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """The event by which it is on record."""

    event: str
    at: Instant


class ConsentRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said about marketing and tracking, for each of their addresses and phones: how it stands, the
    suppressions in force, and the log that proves it."""

    person: str
    accepts_tracking: bool | None
    addresses: list[dict[str, Any]]


async def consent(means: Means, asked: Asked) -> dict[str, Any]:
    """The proof of consent."""
    person, account = await known_person(means, asked), asked.account.number
    return await means.read(lambda connection: consent_record(connection, account, person))


async def list_devices(means: Means, asked: Asked) -> Devices:
    """Where push messages reach them, and whether marketing may."""
    person, account = await known_person(means, asked), asked.account.number

    def look(connection: Connection) -> list[Device]:
        return [
            Device(
                device=one.device,
                service=one.service,
                application=one.application,
                registered_at=iso(one.registered),
                suppressions=sorted(known.standing(connection, account, "push", one.device).suppressions),
            )
            for one in devices.of_person(connection, account, person.id)
        ]

    return Devices(devices=await means.read(look))


async def change_consent(means: Means, asked: Asked) -> Chosen:
    """Put on record what a person said about marketing, and where that is known from."""
    person, said = await known_person(means, asked), asked.body
    address = await _reached(means, asked, person)
    if said.opted_in and said.channel == "push":
        raise BadRequest("The yes for push is given in the app, which registers the device.", field="channel")
    data: SubscriptionRequested | UnsubscriptionRequested
    ip = kept_ip(said.ip, asked.account.policy.ip)
    if said.opted_in:
        by_mail = said.channel == "email"
        data = SubscriptionRequested(
            email=address if by_mail else None,
            phone=None if by_mail else address,
            double_optin=said.double_optin,
            ip=ip,
            source=said.source,
            said=Said(source=asked.by),
        )
    else:
        data = UnsubscriptionRequested(
            channel=said.channel,
            address=address,
            how="api",
            reason=said.source,
            ip=ip,
            said=Said(source=asked.by),
        )
    account, subject = asked.account.number, subjects.person(person.id)
    event = codec.make(data, account=account, subject=subject, now=means.clock.now())
    await means.journal.append([codec.encode(event)])
    return Chosen(event=event.id, at=iso(event.at))


async def _reached(means: Means, asked: Asked, person: Person) -> str:
    """The address that an answer is about: the one it names, which must be theirs, else their own on that channel."""
    said, account = asked.body, asked.account
    if said.address is not None:
        address = normal(account, said.channel, said.address)
        owner = await means.read(
            lambda connection: people.at(connection, account.number, said.channel, address)
        )
        if owner is None or owner.id != person.id:
            raise BadRequest("This is not an address of this person's.", field="address")
        return address
    found = {"email": person.email, "sms": person.phone}.get(said.channel)
    if found is None:
        raise BadRequest("Say which: this person has none on that channel, or several.", field="address")
    return found


async def choose_tracking(means: Means, asked: Asked) -> Chosen:
    """Put on record what a person said about being tracked."""
    person, said = await known_person(means, asked), asked.body
    choice = TrackingChosen(
        allowed=said.allowed,
        person=person.id,
        email=person.email,
        phone=None if person.email else person.phone,
        source=said.source,
        ip=kept_ip(said.ip, asked.account.policy.ip),
        text_version=said.text_version,
    )
    account, subject = asked.account.number, subjects.person(person.id)
    event = codec.make(choice, account=account, subject=subject, now=means.clock.now())
    await means.journal.append([codec.encode(event)])
    return Chosen(event=event.id, at=iso(event.at))


RESOURCE = Resource(
    name="consent",
    description="What people agreed to: marketing by channel, tracking, their devices.",
    calls=(
        Call(
            method="GET",
            path="/people/{person}/consent",
            name="getConsent",
            summary="What a person said about marketing and tracking, with its proof",
            handler=consent,
            answer=ConsentRecord,
        ),
        Call(
            method="PUT",
            path="/people/{person}/consent",
            name="changeConsent",
            summary="Record what a person said about marketing elsewhere: on paper, by phone",
            handler=change_consent,
            body=Answer,
            answer=Chosen,
            status=202,
        ),
        Call(
            method="GET",
            path="/people/{person}/devices",
            name="listDevicesOfPerson",
            summary="The devices on which a person gets push messages",
            handler=list_devices,
            answer=Devices,
        ),
        Call(
            method="PUT",
            path="/people/{person}/tracking",
            name="chooseTracking",
            summary="Record whether a person allows that opens and clicks are tied to them",
            handler=choose_tracking,
            body=Tracking,
            answer=Chosen,
            status=202,
        ),
    ),
)
