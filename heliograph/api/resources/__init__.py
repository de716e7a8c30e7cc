"""Every resource of the API. Adding one adds its module and one line here."""

from __future__ import annotations

from heliograph.api.call import Resource
from heliograph.api.resources import (
    automations,
    campaigns,
    consents,
    erasures,
    evidence,
    feeds,
    jobs,
    messages,
    people,
    records,
    reports,
    segments,
    subscription_topics,
    suppression_history,
    suppressions,
    templates,
)

RESOURCES: tuple[Resource, ...] = (
    automations.RESOURCE,
    segments.RESOURCE,
    people.RESOURCE,
    consents.RESOURCE,
    jobs.RESOURCE,
    erasures.RESOURCE,
    evidence.RESOURCE,
    messages.RESOURCE,
    suppressions.RESOURCE,
    suppression_history.RESOURCE,
    subscription_topics.RESOURCE,
    campaigns.RESOURCE,
    reports.RESOURCE,
    records.RESOURCE,
    feeds.RESOURCE,
    templates.RESOURCE,
)
