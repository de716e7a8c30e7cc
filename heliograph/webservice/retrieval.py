"""`TransactionalContentRetrieval`: what a single message said that was sent.

It is made again, as its web copy is, but nothing in it tells of whoever looks at it.
"""

from __future__ import annotations

import asyncio
from contextlib import closing

from heliograph.accounts.model import Account
from heliograph.database import Reading
from heliograph.outbound.messages.facts.look import Facts, look_into
from heliograph.outbound.messages.mail.attachments import listed
from heliograph.outbound.messages.mail.mime import Sender
from heliograph.outbound.messages.making.letters import sender_of
from heliograph.outbound.messages.sent import Sent, content, find_sent
from heliograph.outbound.messages.templates.compose import Composed, Composer
from heliograph.webservice.answers import Elements, Refused
from heliograph.webservice.call import UNKNOWN, Asked, Means
from heliograph.webservice.sending import UUID


async def transactional_content(means: Means, asked: Asked) -> Elements:
    """`TransactionalContentRetrieval`: subject, texts, sender and the names of the files."""
    wanted = asked.wanted("OriginalRequestId")
    sent = await find_sent(means.journal, means.state, asked.account.number, wanted[-UUID:])
    if sent is None or not sent.request.data.transactional or sent.request.data.job is not None:
        raise Refused(UNKNOWN, f"There is no single message {wanted[:80]!r} that was sent.")
    made = await asyncio.to_thread(_told, means, sent, asked.account)
    return (("OriginalRequestId", wanted), *made)


def _told(means: Means, sent: Sent, account: Account) -> list[tuple[str, str | Elements]]:
    """In the order of the vendor's schema."""
    with closing(Reading(means.state)) as reading:
        facts = look_into(reading, means.clock).facts(sent.request)
        made = content(Composer(means.clock), sent, facts, account, means.base)
    if not isinstance(made, Composed):
        raise Refused(made[0].code, f"{made[0].part}, line {made[0].line or 1}: {made[0].message}")
    wanted = sent.request.data
    said = (
        *_from(facts, account),
        ("SubjectLine", made.subject),
        ("TextContent", made.text),
        ("HtmlContent", made.html),
        ("CorrelationId", wanted.correlation_id),
        ("JobCategory", wanted.job_category),
        ("RecipientId", wanted.recipient_id),
    )
    found: list[tuple[str, str | Elements]] = [(name, value) for name, value in said if value]
    of_template = listed(facts.template.settings.get("attachments")) if facts.template else ()
    files = [
        ("Attachment", (("Name", one.name), ("ContentType", one.content_type)))
        for one in (*of_template, *wanted.attachments)
    ]
    return [*found, ("Attachments", files)] if files else found


def _from(facts: Facts, account: Account) -> tuple[tuple[str, str], ...]:
    sender = sender_of(facts.template, account) if facts.template else None
    if not isinstance(sender, Sender):
        return ()
    return (("FromAddress", sender.mailbox.address), ("FromName", sender.name))
