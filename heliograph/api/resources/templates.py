"""`/templates`: what messages are made of; their versions, how they look, what is wrong with them, and tests of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Means, Resource
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound
from heliograph.events import codec
from heliograph.events.consent import Channel
from heliograph.outbound.messages.authoring import saving
from heliograph.outbound.messages.authoring.lint import Finding, lint
from heliograph.outbound.messages.authoring.preview import SAMPLE, Preview, preview
from heliograph.outbound.messages.authoring.reach import unreachable
from heliograph.outbound.messages.facts import objects
from heliograph.outbound.messages.facts.look import find_records
from heliograph.outbound.messages.making.enclosing import with_files
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.react.state import definitions, people, template_versions


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A template in its current version."""

    name: str
    version: int
    channels: list[Channel]
    parts: list[str]


class Templates(msgspec.Struct, frozen=True, kw_only=True):
    """All templates, by name."""

    templates: list[Listed]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a template: its parts as they were written, and its settings."""

    name: str
    version: int
    channels: list[Channel]
    parts: dict[str, str]
    settings: dict[str, Any]


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """When a version was saved, by which event, and since when it is offered no more, if it is not."""

    version: int
    event: str
    saved_at: Instant
    removed_at: Instant | None
    parts: list[str]


class Versions(msgspec.Struct, frozen=True, kw_only=True):
    """Every version that a template ever had, the newest first."""

    versions: list[Version]


class Save(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a new version (`subject`, `preheader`, `html` or `mjml`, `text`, `sms`, `push_title`, `push_body`),
    in Liquid, and its settings."""

    parts: dict[str, str]
    settings: dict[str, Any] = {}


class SavedTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """The event that saves it, and what is odd about it."""

    event: str
    findings: list[Finding]


class GoBack(msgspec.Struct, frozen=True, kw_only=True):
    """The version that is to be the newest again."""

    version: int


class Which(msgspec.Struct, frozen=True, kw_only=True):
    """Which version; without a number the current one."""

    version: int | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """For whom and with what. Without a person a sample is shown; without a context, that of a sample event. `parts` and
    `settings` are tried out instead of those that are saved."""

    person: str | None = None
    context: dict[str, Any] | None = None
    version: int | None = None
    parts: dict[str, str] | None = None
    settings: dict[str, Any] | None = None


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at: a version, or parts that are not saved. `fetch`: also whether the pictures come."""

    version: int | None = None
    parts: dict[str, str] | None = None
    settings: dict[str, Any] | None = None
    fetch: bool = False


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found, the worst first."""

    findings: list[Finding]


class Try(msgspec.Struct, frozen=True, kw_only=True):
    """To whom a test goes. The person is whom the template speaks to; the context stands beside them."""

    to: str
    channel: Channel = "email"
    person: str | None = None
    context: dict[str, Any] = {}
    version: int | None = None


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """The message that was asked for, marked as a test."""

    message: str


async def all_of(means: Means, asked: Asked) -> Templates:
    """Every template."""
    found = await means.read(lambda connection: definitions.templates(connection, asked.account.number))
    return Templates(
        templates=[
            Listed(name=one.name, version=one.version, channels=_channels(one), parts=list(one.parts))
            for one in found
        ]
    )


async def get(means: Means, asked: Asked) -> Shown:
    """One template."""
    found = await _template(means, asked, asked.query.version)
    return Shown(
        name=found.name,
        version=found.version,
        channels=_channels(found),
        parts=found.parts,
        settings=found.settings,
    )


async def versions(means: Means, asked: Asked) -> Versions:
    """A template's past."""
    account, name = asked.account.number, asked.path["template"]
    found = await means.read(lambda connection: template_versions.versions(connection, account, name))
    if not found:
        raise _unknown(name)
    return Versions(
        versions=[
            Version(
                version=one.version,
                event=one.event,
                saved_at=iso(one.saved),
                removed_at=None if one.removed is None else iso(one.removed),
                parts=list(one.parts),
            )
            for one in found
        ]
    )


async def save(means: Means, asked: Asked) -> SavedTemplate:
    """A template's new version. MJML and styles are worked through in a thread: that may take a second."""
    try:
        settings = await with_files(asked.body.settings, means.egress)
    except ValueError as error:
        raise BadRequest(f"attachments: {error}", field="settings") from error
    event, found = await asyncio.to_thread(
        saving.save,
        asked.account.number,
        asked.path["template"],
        asked.body.parts,
        settings,
        asked.by,
        means.clock.now(),
    )
    await means.journal.append([codec.encode(event)])
    return SavedTemplate(event=event.id, findings=found)


async def go_back(means: Means, asked: Asked) -> SavedTemplate:
    """An old version as the newest."""
    old = await _template(means, asked, asked.body.version)
    event = saving.go_back(asked.account.number, old, asked.by, means.clock.now())
    await means.journal.append([codec.encode(event)])
    return SavedTemplate(event=event.id, findings=[])


async def remove(means: Means, asked: Asked) -> SavedTemplate:
    """A template is offered no more."""
    found = await _template(means, asked, None)
    event = saving.remove(asked.account.number, found.name, asked.by, means.clock.now())
    await means.journal.append([codec.encode(event)])
    return SavedTemplate(event=event.id, findings=[])


async def look(means: Means, asked: Asked) -> Preview:
    """How it looks for somebody. Nothing is recorded."""
    body, account = asked.body, asked.account
    parts, settings = await _parts(means, asked)

    def known(connection: Connection) -> tuple[people.Person, Mapping[str, Any]]:
        if body.person is None:
            return SAMPLE, objects.NOTHING
        person = people.find(connection, account.number, person=body.person)
        if person is None:
            raise BadRequest("person: there is no such person", field="person")
        wanted = objects.mentioned(parts)
        return person, objects.look_up(connection, account.number, person, wanted, body.context or {})

    person, things = await means.read(known)
    record = find_records(means.state, means.clock, account.number)
    return await asyncio.to_thread(
        preview, means.clock, account, parts, settings, person, means.base, body.context, things, record
    )


async def check(means: Means, asked: Asked) -> Findings:
    """What is wrong with it."""
    parts, settings = await _parts(means, asked)
    found = await asyncio.to_thread(lint, parts, settings)
    if asked.body.fetch:
        found = [*await unreachable(parts, means.egress), *found]
    return Findings(findings=found)


async def test(means: Means, asked: Asked) -> Tried:
    """Send it to somebody as a test."""
    body, account = asked.body, asked.account.number
    template = await _template(means, asked, body.version)
    person = None
    if body.person is not None:
        person = await means.read(lambda connection: people.find(connection, account, person=body.person))
        if person is None:
            raise BadRequest("person: there is no such person", field="person")
    now = means.clock.now()
    event = saving.test_message(account, template, body.channel, body.to, person, body.context, now)
    await means.journal.append([codec.encode(event)])
    return Tried(message=event.id)


async def _template(means: Means, asked: Asked, version: int | None) -> definitions.Template:
    account, name = asked.account.number, asked.path["template"]
    found = await means.read(lambda connection: definitions.template(connection, account, name, version))
    if found is None:
        raise _unknown(name, version)
    return found


async def _parts(means: Means, asked: Asked) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """The parts and settings to look at: those of the body, else those that are saved."""
    body = asked.body
    if body.parts is not None:
        return body.parts, body.settings or {}
    template = await _template(means, asked, body.version)
    return template.parts, template.settings if body.settings is None else body.settings


def _channels(template: definitions.Template) -> list[Channel]:
    return list(parts_of.channels(template.parts))


def _unknown(name: str, version: int | None = None) -> NotFound:
    which = f" in version {version}" if version is not None else ""
    return NotFound(f"There is no template {name}{which}; GET /api/v1/templates lists all.", field="template")


_ONE = "/templates/{template}"

RESOURCE = Resource(
    name="templates",
    description="Templates: what messages on every channel are made of.",
    calls=(
        Call(
            method="GET",
            path="/templates",
            name="listTemplates",
            summary="All templates",
            handler=all_of,
            answer=Templates,
        ),
        Call(
            method="GET",
            path=_ONE,
            name="getTemplate",
            summary="A template, in its current or another version",
            handler=get,
            query=Which,
            answer=Shown,
        ),
        Call(
            method="PUT",
            path=_ONE,
            name="saveTemplate",
            summary="Save a new version; refused with the place of everything that is wrong",
            handler=save,
            body=Save,
            answer=SavedTemplate,
            status=202,
        ),
        Call(
            method="DELETE",
            path=_ONE,
            name="removeTemplate",
            summary="Offer a template no more; messages under way keep their version",
            handler=remove,
            answer=SavedTemplate,
            status=202,
        ),
        Call(
            method="GET",
            path=_ONE + "/versions",
            name="listTemplateVersions",
            summary="Every version of a template",
            handler=versions,
            answer=Versions,
        ),
        Call(
            method="POST",
            path=_ONE + "/rollback",
            name="rollBackTemplate",
            summary="Save an old version as the newest",
            handler=go_back,
            body=GoBack,
            answer=SavedTemplate,
            status=202,
        ),
        Call(
            method="POST",
            path=_ONE + "/preview",
            name="previewTemplate",
            summary="How a template looks for a person or a sample; nothing is recorded",
            handler=look,
            body=Look,
            answer=Preview,
        ),
        Call(
            method="POST",
            path=_ONE + "/lint",
            name="lintTemplate",
            summary="What is wrong with a template, with its place",
            handler=check,
            body=Check,
            answer=Findings,
        ),
        Call(
            method="POST",
            path=_ONE + "/test",
            name="testTemplate",
            summary="Send a template to an address as a test",
            handler=test,
            body=Try,
            answer=Tried,
            status=202,
        ),
    ),
)
