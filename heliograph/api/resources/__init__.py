"""Every resource of the API. Adding one adds its module and one line here."""

from __future__ import annotations

from heliograph.api.call import Resource
from heliograph.api.resources import (
    automations,
    campaigns,
    erasures,
    evidence,
    feeds,
    jobs,
    people,
    records,
    reports,
    segments,
    suppressions,
    templates,
)

RESOURCES: tuple[Resource, ...] = (
    automations.RESOURCE,
    segments.RESOURCE,
    people.RESOURCE,
    jobs.RESOURCE,
    erasures.RESOURCE,
    evidence.RESOURCE,
    suppressions.RESOURCE,
    campaigns.RESOURCE,
    reports.RESOURCE,
    records.RESOURCE,
    feeds.RESOURCE,
    templates.RESOURCE,
)
