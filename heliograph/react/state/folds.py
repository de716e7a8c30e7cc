"""Every fold there is. Adding one adds its module and one line here; `heliograph replay` knows it by its name."""

from __future__ import annotations

from heliograph.journal.consumer import Fold
from heliograph.react.state import (
    campaigns,
    commerce,
    consent,
    definitions,
    devices,
    engagement,
    erasures,
    images,
    jobs,
    messages,
    people,
    preferences,
    records,
    segments,
    short_links,
    topics,
    visits,
)
from heliograph.react.state.reports import counting as reports

FOLDS: tuple[Fold, ...] = (
    people.FOLD,
    consent.FOLD,
    preferences.FOLD,
    commerce.FOLD,
    messages.FOLD,
    jobs.FOLD,
    definitions.FOLD,
    images.FOLD,
    records.FOLD,
    erasures.FOLD,
    topics.FOLD,
    campaigns.FOLD,
    visits.FOLD,
    reports.FOLD,
    devices.FOLD,
    short_links.FOLD,
    segments.FOLD,
    engagement.FOLD,
)
