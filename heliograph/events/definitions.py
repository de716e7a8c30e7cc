"""Kinds about what operators define: templates, automations, feeds, tracking codes; and automation runs.

Definitions are events so that they are durable, versioned, audited, and reach every process the way
everything else does. Feeds never carry these kinds, nor any `feed.*`: nothing feeds on itself.
"""

from __future__ import annotations

from typing import Any, ClassVar

from heliograph.events.event import Data


class TemplateSaved(Data, frozen=True, kw_only=True):
    """A template's new version. `parts`: subject, preheader, html or mjml, text, sms, push_title, push_body.
    `settings`: from_address, from_name, reply_to, return_path, url_append, inline_css, transactional."""

    kind: ClassVar[str] = "template.saved"
    name: str
    parts: dict[str, str]
    settings: dict[str, Any] = {}
    by: str = ""


class TemplateRemoved(Data, frozen=True, kw_only=True):
    """A template is no longer offered; messages under way keep their version."""

    kind: ClassVar[str] = "template.removed"
    name: str
    by: str = ""


class AutomationSaved(Data, frozen=True, kw_only=True):
    """An automation's new version, as it was written."""

    kind: ClassVar[str] = "automation.saved"
    name: str
    definition: dict[str, Any]
    by: str = ""


class AutomationRemoved(Data, frozen=True, kw_only=True):
    """An automation takes nobody in any more."""

    kind: ClassVar[str] = "automation.removed"
    name: str
    by: str = ""


class RunStarted(Data, frozen=True, kw_only=True):
    """A person entered an automation. `object` is what the run is about (a cart), if anything."""

    kind: ClassVar[str] = "run.started"
    automation: str
    version: int
    person: str | None = None
    object: str = ""


class RunWaiting(Data, frozen=True, kw_only=True):
    """The run waits until an instant (microseconds); `step` from 0, `why` in words."""

    kind: ClassVar[str] = "run.waiting"
    run: str
    automation: str
    step: int
    until: int
    why: str = ""


class RunCancelled(Data, frozen=True, kw_only=True):
    """The run ended before its end: by a matching event (`by`), or because its conditions no longer held."""

    kind: ClassVar[str] = "run.cancelled"
    run: str
    automation: str
    by: str | None = None
    reason: str


class RunFinished(Data, frozen=True, kw_only=True):
    """The run came to its end."""

    kind: ClassVar[str] = "run.finished"
    run: str
    automation: str


class FeedSaved(Data, frozen=True, kw_only=True):
    """A subscription to the stream, new or changed. The secret is kept with the account's keys, not here."""

    kind: ClassVar[str] = "feed.saved"
    name: str
    dialect: str
    endpoint: str
    kinds: tuple[str, ...] = ()
    options: dict[str, Any] = {}
    by: str = ""


class FeedMoved(Data, frozen=True, kw_only=True):
    """A subscription changed its state."""

    name: str
    reason: str = ""
    by: str = ""


class FeedConfirmed(FeedMoved, frozen=True, kw_only=True):
    """The receiver confirmed that it wants the feed."""

    kind: ClassVar[str] = "feed.confirmed"


class FeedPaused(FeedMoved, frozen=True, kw_only=True):
    """Held: events are kept for it."""

    kind: ClassVar[str] = "feed.paused"


class FeedResumed(FeedMoved, frozen=True, kw_only=True):
    """Goes on where it was."""

    kind: ClassVar[str] = "feed.resumed"


class FeedRemoved(FeedMoved, frozen=True, kw_only=True):
    """Gone."""

    kind: ClassVar[str] = "feed.removed"


class FeedFailed(FeedMoved, frozen=True, kw_only=True):
    """A delivery was given up after the whole retry schedule; it is parked and can be replayed."""

    kind: ClassVar[str] = "feed.failed"
    event: str
    attempts: int


class CampaignCreated(Data, frozen=True, kw_only=True):
    """A tracking code was made (LIT-2)."""

    kind: ClassVar[str] = "campaign.created"
    guid: str
    name: str = ""
    expires_at: int | None = None
    options: dict[str, Any] = {}


class CampaignSubscribed(Data, frozen=True, kw_only=True):
    """A tracking code's hits are wanted in the partner form of the feed, which tells of these alone (LIT-16)."""

    kind: ClassVar[str] = "campaign.subscribed"
    guid: str


class CampaignUnsubscribed(Data, frozen=True, kw_only=True):
    """A tracking code's hits are wanted there no more."""

    kind: ClassVar[str] = "campaign.unsubscribed"
    guid: str
