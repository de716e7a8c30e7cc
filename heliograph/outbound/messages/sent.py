"""What was sent, made again: a message's request from the journal, in the template's version and as of the instant that
were sent. Nothing is kept for it; an erasure that empties the request leaves nothing to make.

`web_copy` shows it to its reader as a page that tells of opens and clicks; `content` is what it said, for operators.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple, cast

import msgspec
from sqlalchemy import Engine

from heliograph.accounts.model import Account
from heliograph.events import codec
from heliograph.events.event import Event
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.journal.journal import JournalView
from heliograph.outbound.messages.authoring.preview import TOKEN, leading_nowhere
from heliograph.outbound.messages.facts.look import Facts
from heliograph.outbound.messages.facts.lookups import RECORDS, Lookups, Sources
from heliograph.outbound.messages.making.letters import no_template
from heliograph.outbound.messages.templates.compose import Composed, Composer, values
from heliograph.outbound.messages.templates.live import Live
from heliograph.react.state import message_history, messages


class Sent(NamedTuple):
    """A mail that went out. `request` names the version of the template that was sent; `at` in microseconds."""

    request: Event[MessageRequested]
    at: int


async def find_sent(journal: JournalView, state: Engine, account: str, message: str) -> Sent | None:
    """The mail of this id; None where it was erased, was never sent, or is no mail of this account."""

    def known() -> tuple[messages.Message | None, list[str]]:
        with state.connect() as connection:
            found = messages.find(connection, account, message)
            return found, [] if found is None else message_history.references(connection, found)

    found, theirs = await asyncio.to_thread(known)
    if found is None or found.sent_at is None or found.channel != "email":
        return None
    entry = await journal.find(found.id, theirs, account=account)
    event = None if entry is None else codec.decode(entry)
    if event is None or not isinstance(
        event.data, MessageRequested
    ):  # what was erased is no request any more
        return None
    wanted = msgspec.structs.replace(event.data, template_version=found.template_version)
    request = msgspec.structs.replace(cast(Event[MessageRequested], event), data=wanted)
    return Sent(request, found.sent_at)


def content(
    composer: Composer, sent: Sent, facts: Facts, account: Account, base: str
) -> Composed | tuple[RenderError, ...]:
    """What it said. Nothing in it tells of whoever looks at it, and its links to leave and to choose lead to our pages and
    carry no reference. `base`: what our URLs begin with."""
    template = facts.template
    if template is None:
        return (no_template(sent.request.data),)
    filling = {
        **facts.objects,
        **values(sent.request.data, facts.person, account, sent.at, leading_nowhere(base)),
        RECORDS: Sources(Lookups(facts.record)),
    }
    key = (account.number, template.name, template.version)
    inlined = template.settings.get("inline_css") is not False
    return composer.compose(key, template.parts, filling, Live(base, base, TOKEN), inlined=inlined)
