"""The actions that send: a job for a list, a message for one recipient, a preview for nobody.

Each is an order: an event, on disk when the answer comes. What becomes of it is in the feed and in the summaries,
under the `RequestId` of the answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from heliograph.accounts.model import Account
from heliograph.errors import BadRequest
from heliograph.events import codec, subjects
from heliograph.events.event import Record
from heliograph.events.jobs import JobSubmitted
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.jobs import orders
from heliograph.outbound.messages.facts.lookups import RECORDS, Lookups, Sources
from heliograph.outbound.messages.templates.compose import Composed, Composer, values
from heliograph.react.state import records
from heliograph.webservice import content
from heliograph.webservice.answers import Elements, Refused
from heliograph.webservice.call import INVALID, Asked, Means
from heliograph.webservice.content import Recipient
from heliograph.webservice.enclosures import attachments, enclosed, sources

_SUPPRESSION = ("SuppressionXmlUrl", "SuppressionCsvUrl")

UUID = 36
"""Characters of the id at the end of a RequestId: the message's, or the job's."""


async def transactional_job(means: Means, asked: Asked) -> Elements:
    """`TransactionalJobSubmit`: one message, from a template that comes with it."""
    template, whom = content.template(means, asked), content.recipient(asked)
    now = means.clock.now()
    saved = content.saving(asked.account, template, asked.by, now)
    await _request(means, asked, whom, template.name, saved)
    return ()


async def transactional_campaign(means: Means, asked: Asked) -> Elements:
    """`TransactionalCampaignSubmit`: one message, from a saved template."""
    template, whom = await content.campaign(means, asked), content.recipient(asked)
    await _request(means, asked, whom, template.name)
    return ()


async def bulk_job(means: Means, asked: Asked) -> Elements:
    """`BulkJobSubmit`: a message for everybody on a list, from a template that comes with it."""
    template = content.template(means, asked)
    submission = await _submission(means, asked, template.name)
    saved = content.saving(asked.account, template, asked.by, means.clock.now())
    await means.journal.append_once((saved,))
    return await _submit(means, asked, submission)


async def bulk_campaign(means: Means, asked: Asked) -> Elements:
    """`BulkCampaignSubmit`: a message for everybody on a list, from a saved template."""
    template = await content.campaign(means, asked)
    return await _submit(means, asked, await _submission(means, asked, template.name))


async def preview(means: Means, asked: Asked) -> Elements:
    """`MessagePreview`: what one recipient would get; nothing is sent, and no look-up is told."""
    template, whom = content.template(means, asked), content.recipient(asked)
    enclosed(asked)
    requested = _requested(asked, whom, template.name)
    made = await asyncio.to_thread(_composed, means, asked.account, requested, template.parts)
    if not isinstance(made, Composed):
        error = made[0]
        raise Refused(error.code, f"{error.part}, line {error.line or 1}: {error.message}")
    said = [
        (name, template.settings[setting]) for name, setting in content.WHO if setting in template.settings
    ]
    said += [("SubjectLine", made.subject), ("TextContent", made.text)]
    if made.html is not None:
        said.append(("HtmlContent", made.html))
    return (("PreviewContent", said),)


def _requested(asked: Asked, whom: Recipient, template: str) -> MessageRequested:
    return MessageRequested(
        address=whom.address,
        template=template,
        request_id=asked.request_id,
        recipient_id=whom.recipient_id,
        transactional=True,
        list_unsubscribe=asked.flag("UnsubscribeHeader"),
        url_append=content.url_append(asked),
        context={**content.context(asked), "recipient": whom.fields},
        **content.given(asked),
    )


async def _request(means: Means, asked: Asked, whom: Recipient, template: str, *before: Record) -> None:
    """Have a message on record; `before`: what it needs. Its id is that of the RequestId."""
    keep_case = asked.account.policy.keep_local_case
    wanted = enclosed(asked)
    requested = _requested(asked, whom, template)
    if wanted:
        requested = msgspec.structs.replace(requested, attachments=await attachments(means, wanted))
    event = codec.make(
        requested,
        account=asked.account.number,
        subject=subjects.email(whom.address, keep_case=keep_case),
        now=means.clock.now(),
        id=asked.request_id[-UUID:],
    )
    if before:
        await means.journal.append_once(before)
    await means.journal.append((codec.encode(event),))


async def _submission(means: Means, asked: Asked, template: str) -> JobSubmitted:
    source, wanted = asked.wanted("RecipientListXmlUrl"), enclosed(asked)
    options: dict[str, Any] = {
        "context": content.context(asked),
        "suppress": [asked.text(name) for name in _SUPPRESSION if asked.text(name)],
        "url_append": content.url_append(asked),
        "attachments": await sources(means, asked, wanted),
    }
    return JobSubmitted(
        name=asked.text("CorrelationId") or asked.text("JobCategory") or "web service",
        template=template,
        source=source,
        request_id=asked.request_id,
        options={name: value for name, value in options.items() if value},
        by=asked.by,
        **content.given(asked),
    )


async def _submit(means: Means, asked: Asked, submission: JobSubmitted) -> Elements:
    try:
        await orders.submit(means.journal, means.clock, asked.account, submission)
    except BadRequest as error:
        raise Refused(INVALID, error.message) from error
    return ()


def _composed(
    means: Means, account: Account, requested: MessageRequested, parts: dict[str, str]
) -> Composed | tuple[RenderError, ...]:
    now = means.clock.now()

    def find(name: records.Name) -> records.Record | None:
        with means.state.connect() as connection:
            return records.find(connection, account.number, (name,), now).get(name)

    nowhere = {"unsubscribe_url": "about:blank", "confirm_url": "about:blank"}
    filling = values(requested, None, account, now, nowhere) | {RECORDS: Sources(Lookups(find))}
    return Composer(means.clock).compose((account.number, requested.template, 1), parts, filling)
