"""Who may be asked for now, and with what: rows of a ledger -> `message.requested`, or how long they are held. Pure
but for one look at the person, where the job wants to know who somebody is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection

from heliograph.accounts.model import Account
from heliograph.events import codec, subjects
from heliograph.events.event import Event, derived_id
from heliograph.events.messages import Attachment, MessageCancelled, MessageRequested
from heliograph.outbound.jobs.ledger import FOR_WINNER, Recipient, readable
from heliograph.outbound.jobs.local_times import opens
from heliograph.outbound.jobs.options import Options
from heliograph.outbound.jobs.splits import template_for
from heliograph.react.state import people
from heliograph.react.state.jobs import Job
from heliograph.react.state.people import Person
from heliograph.react.state.zones import Zone, named, zone_of


class Asked(NamedTuple):
    """A row whose message is wanted now (microseconds), of this template; the zone by whose clock it may go, and how
    that is known, where that mattered."""

    row: int
    template: str
    at: int
    zone: str | None
    zone_source: str | None


class Held(NamedTuple):
    """A row that waits until this instant (microseconds), by whose clock, and how that is known."""

    row: int
    due: int
    zone: str | None
    zone_source: str | None


class Decided(NamedTuple):
    """What becomes of some rows."""

    asked: Sequence[Asked]
    held: Sequence[Held]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How one job asks."""

    job: Job
    options: Options
    account: Account

    def decide(self, connection: Connection, rows: Sequence[Recipient], now: int) -> Decided:
        """For each row its template, or until when it is held. State is asked for who somebody is only by split tests
        and local times."""
        asked: list[Asked] = []
        held: list[Held] = []
        personal = self.options.split is not None or self.options.window is not None
        for row in rows:
            person = self._person(connection, row.address) if personal else None
            template = self._template(row, person)
            if template is None:
                held.append(Held(row.row, FOR_WINNER, None, None))
                continue
            due, zone = self._due(connection, row, person, now)
            where = zone or (None, None)
            if due is None:
                asked.append(Asked(row.row, template, now, *where))
            else:
                held.append(Held(row.row, due, *where))
        return Decided(asked, held)

    def message(
        self, row: Recipient, template: str, now: int, attached: tuple[Attachment, ...] = ()
    ) -> Event[MessageRequested]:
        """The wish for a row's message: the same id whenever it is said."""
        wanted = self.job.submission
        request = MessageRequested(
            channel=wanted.channel,
            address=row.address,
            template=template,
            template_version=self.options.template_version,
            campaign=wanted.campaign,
            job=self.job.id,
            request_id=wanted.request_id,
            correlation_id=wanted.correlation_id,
            recipient_id=row.recipient_id,
            job_category=wanted.job_category,
            transactional=self.options.transactional,
            topic=self.options.topic,
            url_append=self.options.url_append,
            attachments=attached,
            context={**self.options.context, "recipient": readable(row)},
        )
        return codec.make(
            request,
            account=self.job.account,
            subject=self._subject(row.address),
            now=now,
            cause=self.job.id,
            id=message_id(self.job.id, row.row),
        )

    def call_back(self, row: Recipient, now: int) -> Event[MessageCancelled]:
        """A row's message is wanted no more."""
        message = message_id(self.job.id, row.row)
        return codec.make(
            MessageCancelled(message=message, reason="the job was cancelled"),
            account=self.job.account,
            subject=self._subject(row.address),
            now=now,
            cause=message,
            id=derived_id(message, MessageCancelled.kind),
        )

    def _template(self, row: Recipient, person: Person | None) -> str | None:
        split = self.options.split
        if split is None:
            return self.job.submission.template
        if self.job.winner is not None:
            return self.job.winner
        return template_for(split, self.job.id, person.id if person else row.address.lower())

    def _due(
        self, connection: Connection, row: Recipient, person: Person | None, now: int
    ) -> tuple[int | None, Zone | None]:
        if self.options.window is None:
            return None, None
        if (listed := named(row.time_zone)) is not None:
            zone = Zone(listed, "the list")
        else:
            zone = zone_of(connection, self.job.account, person, self.account.policy.time_zone)
        return opens(self.options.window, zone.rules, now), zone

    def _person(self, connection: Connection, address: str) -> Person | None:
        match self.job.submission.channel:
            case "email":
                return people.find(connection, self.job.account, email=address)
            case "sms":
                return people.find(connection, self.job.account, phone=address)
            case _:
                return None  # a device belongs to nobody until it is used

    def _subject(self, address: str) -> str:
        match self.job.submission.channel:
            case "email":
                return subjects.email(address, keep_case=self.account.policy.keep_local_case)
            case "sms":
                return subjects.phone(address)
            case _:
                return subjects.device(address)


def message_id(job: str, row: int) -> str:
    """The id of the message to this row: it can be made again at any time."""
    return derived_id(job, MessageRequested.kind, str(row))
