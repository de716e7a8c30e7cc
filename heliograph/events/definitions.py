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
    """An automation's new version, as it was written. `migrate`: those who are under way go on with this version too;
    otherwise they finish on the one that they began."""

    kind: ClassVar[str] = "automation.saved"
    name: str
    definition: dict[str, Any]
    by: str = ""
    migrate: bool = False


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
    """The run waits until an instant (microseconds); `step` from 0, `path` where it is written, `why` in words.
    `zone` and `zone_source`: by whose clock, and how we know it, where a time of day decided."""

    kind: ClassVar[str] = "run.waiting"
    run: str
    automation: str
    step: int
    until: int
    why: str = ""
    path: str = ""
    zone: str = ""
    zone_source: str = ""


class RunNoted(Data, frozen=True, kw_only=True):
    """Something was decided on the way, for whoever asks why: `what` is `branch`, `split`, `event`, `timeout`,
    `skipped`, `updated`, `called` or `migrated`; `outcome` which way it went; `why` in words."""

    kind: ClassVar[str] = "run.noted"
    run: str
    automation: str
    step: int
    path: str
    what: str
    outcome: str = ""
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


class RunReached(Data, frozen=True, kw_only=True):
    """The run ended because its goal was reached: by the event `by`, of the kind `goal`."""

    kind: ClassVar[str] = "run.reached"
    run: str
    automation: str
    goal: str
    by: str


class WebhookRequested(Data, frozen=True, kw_only=True):
    """A step of a run wants a URL to be called; the id of this event is the call's."""

    kind: ClassVar[str] = "webhook.requested"
    run: str
    automation: str
    step: int
    url: str
    person: str
    object: str = ""
    event: dict[str, Any] = {}


class WebhookAnswered(Data, frozen=True, kw_only=True):
    """The called URL took it."""

    kind: ClassVar[str] = "webhook.answered"
    run: str
    automation: str
    step: int
    status: int


class WebhookFailed(Data, frozen=True, kw_only=True):
    """The call was refused, or given up after the whole schedule."""

    kind: ClassVar[str] = "webhook.failed"
    run: str
    automation: str
    step: int
    reason: str
    attempts: int


class SegmentSaved(Data, frozen=True, kw_only=True):
    """A segment of people, new or changed: the conditions that make somebody one of it."""

    kind: ClassVar[str] = "segment.saved"
    name: str
    who: dict[str, Any]
    by: str = ""


class SegmentRemoved(Data, frozen=True, kw_only=True):
    """A segment is not there any more; whoever asks for it finds nobody in it."""

    kind: ClassVar[str] = "segment.removed"
    name: str
    by: str = ""


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


class FeedSecretRotated(FeedMoved, frozen=True, kw_only=True):
    """A feed has a new secret of its own. It is derived from the signing key of number `kid` and this event's id, so
    that it stands nowhere. What signed before goes on until `until`; what can bear one signature only turns to the
    new one at `turns` (both in microseconds)."""

    kind: ClassVar[str] = "feed.secret_rotated"
    kid: int
    turns: int
    until: int


class FeedReplayed(FeedMoved, frozen=True, kw_only=True):
    """A feed is to be told again of what stands in the journal after place `after` and up to place `upto`: all that it
    carries, or only `events` (ids)."""

    kind: ClassVar[str] = "feed.replayed"
    after: int
    upto: int
    events: tuple[str, ...] = ()


class TrackingCode(Data, frozen=True, kw_only=True):
    """A tracking code as it was defined. `expires_at` in microseconds; `merge_tag` is what the mail system that sends
    it replaces by the recipient's id, `sender` that system's name; `custom_type` and `custom_data` are said of hits
    that say none themselves. Unless `individual`, hits are of nobody: neither id nor address is kept (STD-7)."""

    guid: str
    name: str = ""
    expires_at: int | None = None
    options: dict[str, Any] = {}
    sender: str = ""
    merge_tag: str = ""
    email_type: str = ""
    tags: tuple[str, ...] = ()
    custom_type: str = ""
    custom_data: str = ""
    individual: bool = True
    by: str = ""


class CampaignCreated(TrackingCode, frozen=True, kw_only=True):
    """A tracking code was made (LIT-2)."""

    kind: ClassVar[str] = "campaign.created"


class CampaignChanged(TrackingCode, frozen=True, kw_only=True):
    """A tracking code was defined anew, all of it."""

    kind: ClassVar[str] = "campaign.changed"


class CampaignMoved(Data, frozen=True, kw_only=True):
    """A tracking code changed its state."""

    guid: str
    by: str = ""


class CampaignStopped(CampaignMoved, frozen=True, kw_only=True):
    """Its hits are answered and not recorded any more."""

    kind: ClassVar[str] = "campaign.stopped"


class CampaignStarted(CampaignMoved, frozen=True, kw_only=True):
    """Its hits are recorded again."""

    kind: ClassVar[str] = "campaign.started"


class CampaignArchived(CampaignMoved, frozen=True, kw_only=True):
    """It is left out of lists; its hits are still recorded, for mails that are out."""

    kind: ClassVar[str] = "campaign.archived"


class CampaignSubscribed(Data, frozen=True, kw_only=True):
    """A tracking code's hits are wanted in the partner form of the feed, which tells of these alone (LIT-16)."""

    kind: ClassVar[str] = "campaign.subscribed"
    guid: str


class CampaignUnsubscribed(Data, frozen=True, kw_only=True):
    """A tracking code's hits are wanted there no more."""

    kind: ClassVar[str] = "campaign.unsubscribed"
    guid: str
