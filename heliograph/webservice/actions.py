"""Every action there is. Adding one adds its function and one line here; `schema.xsd` describes its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from heliograph.outbound.feeds.dialects.activity import Item
from heliograph.webservice import activities, jobs, retrieval, sending
from heliograph.webservice.answers import Elements, Refused
from heliograph.webservice.call import NOT_HERE, Action, Asked, Means, day_or_month_of

_ITEMS: tuple[tuple[str, Item], ...] = (
    ("Clicks", "click"),
    ("Opens", "open"),
    ("Bounces", "bounce"),
    ("Unsubscribes", "unsub"),
    ("Deliveries", "delivery"),
    ("SpamComplaints", "complaint"),
    ("RenderErrors", "render_error"),
    ("JobErrors", "job_error"),
)
"""What a summary counts, in the order of the vendor's schema: exactly the items that `AccountActivity` has."""


async def account_summary(means: Means, asked: Asked) -> Elements:
    """`AccountSummary`: how many items a day or a month has; `Messages` were handed to a relay."""
    span = day_or_month_of(asked.wanted("ActivityDate"))
    counts, sent = await activities.counted(means, asked.account.number, span)
    figures = (("Messages", str(sent)), *((name, str(counts[item])) for name, item in _ITEMS))
    return (("AccountSummary", (("ActivityDate", span.text), *figures)),)


def _instead(what: str) -> Callable[[Means, Asked], Awaitable[Elements]]:
    """An action of the vendor's that we do not have: what to do instead."""

    async def refuse(_: Means, __: Asked) -> Elements:
        raise Refused(NOT_HERE, what)

    return refuse


ACTIONS: tuple[Action, ...] = (
    Action(name="AccountActivity", handler=activities.account_activity, reads=True),
    Action(name="AccountSummary", handler=account_summary, reads=True),
    Action(name="BulkJobSummary", handler=jobs.summary, reads=True),
    Action(name="JobStatusRetrieval", handler=jobs.status, reads=True),
    Action(name="JobStatus", handler=jobs.move),
    Action(name="BulkJobSubmit", handler=sending.bulk_job),
    Action(name="BulkCampaignSubmit", handler=sending.bulk_campaign),
    Action(name="TransactionalJobSubmit", handler=sending.transactional_job),
    Action(name="TransactionalCampaignSubmit", handler=sending.transactional_campaign),
    Action(name="MessagePreview", handler=sending.preview),
    Action(
        name="TransactionalContentRetrieval",
        handler=retrieval.transactional_content,
        reads=True,
        answer="TransactionalContent",
    ),
    Action(
        name="CreateAccount",
        handler=_instead("Make a sub-account with: heliograph accounts add NAME --parent ACCOUNT."),
    ),
    Action(
        name="UpdateAccount",
        handler=_instead("Change an account with: heliograph accounts set NAME=VALUE --account ACCOUNT."),
    ),
    Action(
        name="ForwardToAFriend",
        handler=_instead(
            "Forwarding by us is not offered: forwards are told when readers forward themselves."
        ),
    ),
    Action(name="Thumbnail", handler=_instead("Pictures of messages are not made.")),
)
