"""Saving, going back to and trying out templates: the same for the API and the command line. Pure: gives events.

A template's versions are its `template.saved` events; going back is saving an old version's parts as the newest, so
nothing that was ever sent changes, and what happened can be read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from heliograph.errors import BadRequest, Fault
from heliograph.events import codec, subjects
from heliograph.events.consent import Channel
from heliograph.events.definitions import TemplateRemoved, TemplateSaved
from heliograph.events.event import Data, Event
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.authoring.lint import Finding, lint
from heliograph.outbound.messages.mail.addresses import mailbox
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.react.state.definitions import Template
from heliograph.react.state.people import Person

NAME = re.compile(r"[^\s/\x00-\x1f\x7f]([^/\x00-\x1f\x7f]{0,98}[^\s/\x00-\x1f\x7f])?")
"""A template's name: up to 100 characters, none of which a path or a log would take for something else."""


def save(
    account: str, name: str, parts: Mapping[str, str], settings: Mapping[str, Any], by: str, now: int
) -> tuple[Event[Data], list[Finding]]:
    """The event that saves a version, and what lint found beside errors. Raises `BadRequest` with every error and its
    place."""
    if not NAME.fullmatch(name):
        raise BadRequest("name: up to 100 characters, without slashes and control characters", field="name")
    found = lint(parts, settings)
    faults = tuple(_fault(one) for one in found if one.level == "error")
    if faults:
        more = f" ({len(faults) - 1} more in `errors`)" if len(faults) > 1 else ""
        raise BadRequest(f"{faults[0].field}: {faults[0].reason}{more}", field=faults[0].field, faults=faults)
    saved = TemplateSaved(name=name, parts=dict(parts), settings=dict(settings), by=by)
    return _event(account, name, saved, now), found


def go_back(account: str, old: Template, by: str, now: int) -> Event[Data]:
    """The event that makes an old version the newest."""
    saved = TemplateSaved(
        name=old.name, parts=old.parts, settings=old.settings, by=f"{by}, from version {old.version}"
    )
    return _event(account, old.name, saved, now)


def remove(account: str, name: str, by: str, now: int) -> Event[Data]:
    """The event by which a template is no longer offered."""
    return _event(account, name, TemplateRemoved(name=name, by=by), now)


def test_message(
    account: str,
    template: Template,
    channel: Channel,
    address: str,
    person: Person | None,
    context: Mapping[str, Any],
    now: int,
) -> Event[Data]:
    """The request of a message that is marked as a test. It counts as no marketing to whoever gets it, so consent is not
    asked; what may never be written to is refused all the same. Raises `BadRequest`."""
    if channel not in parts_of.channels(template.parts):
        raise BadRequest(f"channel: the template {template.name} has nothing for {channel}", field="channel")
    if channel == "email" and mailbox(address) is None:
        raise BadRequest("to: this is no e-mail address", field="to")
    request = MessageRequested(
        channel=channel,
        address=address,
        template=template.name,
        template_version=template.version,
        person=person.id if person else None,
        context=dict(context),
        is_test=True,
    )
    subject = subjects.email(address) if channel == "email" else subjects.thing(channel, address)
    if person is not None:
        subject = subjects.person(person.id)
    return codec.make(request, account=account, subject=subject, now=now)


def _event(account: str, name: str, data: Data, now: int) -> Event[Data]:
    return codec.make(data, account=account, subject=subjects.thing("template", name), now=now)


def _fault(finding: Finding) -> Fault:
    field = f"parts.{finding.part}" if finding.part in parts_of.NAMES else finding.part or "parts"
    place = f" (line {finding.line}, column {finding.column})" if finding.line else ""
    return Fault(field, finding.message + place)
