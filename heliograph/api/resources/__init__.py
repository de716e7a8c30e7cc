"""Every resource of the API. Adding one adds its module and one line here."""

from __future__ import annotations

from heliograph.api.call import Resource
from heliograph.api.resources import (
    campaigns,
    erasures,
    evidence,
    feeds,
    jobs,
    messages,
    people,
    records,
    reports,
    subscription_topics,
    suppressions,
)

RESOURCES: tuple[Resource, ...] = (
    people.RESOURCE,
    jobs.RESOURCE,
    erasures.RESOURCE,
    evidence.RESOURCE,
    messages.RESOURCE,
    suppressions.RESOURCE,
    subscription_topics.RESOURCE,
    campaigns.RESOURCE,
    reports.RESOURCE,
    records.RESOURCE,
    feeds.RESOURCE,
)
