"""Which events stay in the journal however old they are: those from which a replay learns who people are, what they
agreed to, what they bought, and what operators defined. Pure.

Everything else says what happened once: messages and their fate, opens, clicks and looks, views, anonymous carts,
custom events, runs, context records that do not stand any more. State remembers of it what it counted; a replay of
`commerce`, `messages`, `images` and `reports` ends without it. A kind that this version does not know is not removed.
"""

from __future__ import annotations

from heliograph.events import codec, commerce, consent, definitions, jobs, people, preferences, topics
from heliograph.events.event import Entry
from heliograph.events.vocabulary import KINDS
from heliograph.react.state import portraits

KEPT: frozenset[str] = frozenset(
    kind.kind
    for kind in (
        people.PersonCreated,
        people.PersonUpdated,
        people.PersonDeleted,
        people.PersonMerged,
        people.ErasureRequested,
        people.PersonErased,
        people.DeviceRegistered,
        people.DeviceRemoved,
        consent.SubscriptionRequested,
        consent.SubscriptionConfirmed,
        consent.UnsubscriptionRequested,
        consent.ConsentGranted,
        consent.ConsentWithdrawn,
        consent.TrackingChosen,
        consent.SuppressionAdded,
        consent.SuppressionRemoved,
        preferences.SubscriptionTopicSaved,
        preferences.SubscriptionTopicRemoved,
        preferences.SubscriptionTopicChosen,
        preferences.MarketingPaused,
        commerce.OrderCreated,
        commerce.OrderUpdated,
        commerce.OrderDeleted,
        commerce.ProductCreated,
        commerce.ProductUpdated,
        commerce.ProductDeleted,
        definitions.TemplateSaved,
        definitions.TemplateRemoved,
        definitions.AutomationSaved,
        definitions.AutomationRemoved,
        definitions.FeedSaved,
        definitions.FeedConfirmed,
        definitions.FeedPaused,
        definitions.FeedResumed,
        definitions.FeedRemoved,
        definitions.FeedSecretRotated,
        definitions.CampaignCreated,
        definitions.CampaignChanged,
        definitions.CampaignStopped,
        definitions.CampaignStarted,
        definitions.CampaignArchived,
        definitions.CampaignSubscribed,
        definitions.CampaignUnsubscribed,
        topics.TopicCreated,
        topics.TopicChanged,
        topics.TopicDeleted,
        topics.TopicSubscribed,
        topics.TopicConfirmed,
        topics.TopicSubscriptionChanged,
        topics.TopicUnsubscribed,
        jobs.ImagePublished,
        jobs.ImageArchived,
    )
)
"""Never removed; a person's erasure blanks them."""

REMOVABLE: frozenset[str] = frozenset(kind.kind for kind in KINDS) - KEPT
"""Removed when their days are over, but for what `says_who` keeps and whoever came by one."""

_CARTS = frozenset((commerce.CartCreated.kind, commerce.CartUpdated.kind))


def says_who(entry: Entry) -> bool:
    """Whether an event of a removable kind says something of a person that a replay needs: a cart that names its
    customer, or says whether they accept marketing."""
    if entry.kind not in _CARTS:
        return False
    data = codec.decode(entry).data
    if not isinstance(data, commerce.CartCreated | commerce.CartUpdated):
        return False  # erased, or not to be read
    return data.cart.customer is not None or portraits.buyer(data.cart)[1] is not None
