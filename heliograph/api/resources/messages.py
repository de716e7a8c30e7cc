"""`/messages`: what was sent, to whom and what became of it; sending one."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from heliograph.api.call import Asked, Call, Csv, Means, PageSize, Resource
from heliograph.api.files import PAGE, file_of
from heliograph.api.resources.persons import Happening, happening
from heliograph.api.resources.places import normal, spelled
from heliograph.clock import Instant, iso
from heliograph.errors import BadRequest, NotFound, Unprocessable
from heliograph.events import codec, subjects
from heliograph.events.consent import Channel
from heliograph.events.event import new_id, scoped_id
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.making.enclosing import Enclosure, enclosed
from heliograph.react.state import cursors, definitions, message_history, people
from heliograph.react.state import messages as known
from heliograph.react.state.cursors import Cursor
from heliograph.react.state.message_history import Summary
from heliograph.react.state.messages import Message, State

KEY_LIMIT = 255
"""Characters of an idempotency key."""

Text = Annotated[str, msgspec.Meta(max_length=1000)]


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages: all that fit, the newest first. `campaign` is a number; `after` is the `next` of a page."""

    person: str | None = None
    address: str | None = None
    job: str | None = None
    automation: str | None = None
    campaign: int | None = None
    template: str | None = None
    topic: str | None = None
    state: State | None = None
    channel: Channel | None = None
    after: str = ""
    limit: PageSize = 100


class MessageListed(msgspec.Struct, frozen=True, kw_only=True):
    """A message in a list."""

    id: str
    channel: Channel
    address: str
    state: State
    person: str | None
    template: str
    automation: str | None
    job: str | None
    campaign: int | None
    topic: str | None
    transactional: bool
    is_test: bool
    subject: str | None
    reason: str | None
    requested_at: Instant
    sent_at: Instant | None
    opened_at: Instant | None
    clicked_at: Instant | None


class Messages(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, the newest first. `next` is the `after` of the next page, if there is one."""

    messages: list[MessageListed]
    next: str | None = None


class MessageShown(msgspec.Struct, frozen=True, kw_only=True):
    """A message: how it stands, and what happened to it, in order. In `history` stand what caused it, attempts,
    refusals, deliveries, bounces, every open and click with the verdict on its reader (`reader.judged`) and how long it
    lasted (`message.read`), and what followed, such as a suppression; each names its cause."""

    message: dict[str, Any]
    history: list[Happening]


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """A message to send. `data` is what the template sees beside the person and the account; `transactional`: it is
    no marketing (docs/how-to/permission.md); `topic`: the subscription topic that it is about, if not its template's;
    `attachments` go with a mail, beside its template's, 7 MiB all together."""

    template: Text
    to: Text
    channel: Channel = "email"
    data: dict[str, Any] = {}
    transactional: bool = False
    topic: Text | None = None
    attachments: list[Enclosure] = []
    is_test: bool = False


class MessageWanted(msgspec.Struct, frozen=True, kw_only=True):
    """The message that is wanted now; `repeated`: it was before, under the same idempotency key."""

    id: str
    repeated: bool


async def list_messages(means: Means, asked: Asked) -> Messages:
    """Messages, page by page."""
    before = cursors.read(asked.query.after)
    shown, following = await means.read(
        lambda connection: _page(connection, asked, before, asked.query.limit)
    )
    return Messages(messages=shown, next=cursors.written(following))


async def list_file(means: Means, asked: Asked) -> Csv:
    """All of them, as a file."""
    return file_of(
        means.state,
        "messages",
        MessageListed,
        lambda connection, before: _page(connection, asked, before, PAGE),
    )


def _page(
    connection: Connection, asked: Asked, before: Cursor | None, limit: int
) -> tuple[list[MessageListed], Cursor | None]:
    """Messages before this, and the cursor of what follows."""
    wanted, account = asked.query, asked.account
    filters = {name: getattr(wanted, name) for name in (*message_history.FILTERS, "campaign")}
    if wanted.address is not None:
        filters["address"] = spelled(account, wanted.channel or _channel(wanted.address), wanted.address)
    found = message_history.page(connection, account.number, filters, before=before, limit=limit + 1)
    more = len(found) > limit
    return [_listed(one) for one in found[:limit]], (
        Cursor(found[limit - 1].requested_at, found[limit - 1].id) if more else None
    )


def _channel(address: str) -> Channel:
    """What an address is for that is named without its channel."""
    if "@" in address:
        return "email"
    return "sms" if address.strip().removeprefix("+").isdigit() else "push"


async def get(means: Means, asked: Asked) -> MessageShown:
    """One message with its history."""
    account, wanted = asked.account.number, asked.path["message"]

    def look(connection: Connection) -> tuple[Message, list[str]] | None:
        message = known.find(connection, account, wanted)
        return None if message is None else (message, message_history.references(connection, message))

    found = await means.read(look)
    if found is None:
        raise NotFound("There is no such message.", field="message")
    message, references = found
    entries = await message_history.history(means.journal, message, references)
    return MessageShown(message=_readable(message), history=[happening(entry) for entry in entries])


async def send(means: Means, asked: Asked) -> MessageWanted:
    """Ask for a message. Whether it may go is decided when it goes."""
    account, now, key = asked.account.number, means.clock.now(), asked.idempotency_key
    if len(key) > KEY_LIMIT:
        raise BadRequest(f"The key has more than {KEY_LIMIT} characters.", field="idempotency-key")
    request = await _request(means, asked)
    event = codec.make(
        request,
        account=account,
        subject=_subject(request),
        now=now,
        id=scoped_id(account, "api message", key) if key else new_id(now),
    )
    if not key:
        await means.journal.append([codec.encode(event)])
        return MessageWanted(id=event.id, repeated=False)
    if (await means.journal.append_once([codec.encode(event)]))[0]:
        return MessageWanted(id=event.id, repeated=False)
    first = await means.read(lambda connection: known.find(connection, account, event.id))
    if first is not None and _gist(first) != _gist(request):
        raise Unprocessable("The key was used for another message.", field="idempotency-key")
    return MessageWanted(id=event.id, repeated=True)


async def _request(means: Means, asked: Asked) -> MessageRequested:
    said, account, address = asked.body, asked.account.number, _address(asked)

    def look(connection: Connection) -> people.Person | None:
        if definitions.template(connection, account, said.template) is None:
            raise BadRequest("There is no template of this name.", field="template")
        return people.at(connection, account, said.channel, address)

    person = await means.read(look)
    if said.attachments and said.channel != "email":
        raise BadRequest("Files go with mail only.", field="attachments")
    try:
        attachments = await enclosed(said.attachments, means.egress)
    except ValueError as error:
        raise BadRequest(f"attachments: {error}", field="attachments") from error
    return MessageRequested(
        channel=said.channel,
        address=address,
        template=said.template,
        person=person.id if person else None,
        transactional=said.transactional,
        topic=said.topic,
        context=said.data,
        attachments=attachments,
        is_test=said.is_test,
    )


def _gist(message: Message | MessageRequested) -> tuple[str, ...]:
    return message.template, message.channel, message.address


def _address(asked: Asked) -> str:
    said = asked.body
    return normal(asked.account, said.channel, said.to, "to")


def _subject(request: MessageRequested) -> str:
    if request.person is not None:
        return subjects.person(request.person)
    return subjects.reached(request.channel, request.address)


def _listed(one: Summary) -> MessageListed:
    told = one._asdict()
    for name in ("requested_at", "sent_at", "opened_at", "clicked_at"):
        told[name] = None if told[name] is None else iso(told[name])
    return MessageListed(**told)


def _readable(message: Message) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(message)
    return {
        name: iso(value) if name.endswith("_at") and isinstance(value, int) else value
        for name, value in told.items()
        if name != "account"
    }


RESOURCE = Resource(
    name="messages",
    description="Messages on every channel, from the wish to what became of them.",
    calls=(
        Call(
            method="GET",
            path="/messages",
            name="listMessages",
            summary="Messages by person, address, job, automation, campaign or state, the newest first",
            handler=list_messages,
            file=list_file,
            query=Listing,
            answer=Messages,
        ),
        Call(
            method="POST",
            path="/messages",
            name="sendMessage",
            summary="Send one message",
            handler=send,
            body=Send,
            answer=MessageWanted,
            status=202,
            idempotent=True,
        ),
        Call(
            method="GET",
            path="/messages/{message}",
            name="getMessage",
            summary="One message, with everything that happened to it",
            handler=get,
            answer=MessageShown,
        ),
    ),
)
