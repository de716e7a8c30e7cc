"""Subscription topics by command: saved from a file, listed, removed. The orders are events, as the API gives them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import yaml

from heliograph.app.accounts import account_number
from heliograph.app.storage import recording
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.events import codec, subjects
from heliograph.events.preferences import SubscriptionTopicRemoved, SubscriptionTopicSaved
from heliograph.react.state import preferences
from heliograph.react.state.preferences import NAME, SubscriptionTopic
from heliograph.settings import Settings

BY = "command line"


def known(settings: Settings, account: str | None) -> list[SubscriptionTopic]:
    """The topics that are offered, in their order."""
    state = open_state(Path(settings.data), read_only=True)
    with state.connect() as connection:
        return preferences.topics(connection, account_number(state, account))


async def apply(settings: Settings, account: str | None, file: Path) -> list[str]:
    """Save what a file defines, all or nothing; the topics' names. Raises `OperatorError`."""
    wanted = load(file)
    saved = [
        SubscriptionTopicSaved(
            name=topic.name,
            titles=topic.titles,
            descriptions=topic.descriptions,
            default=topic.default,
            by=BY,
        )
        for topic in wanted
    ]
    await _record(settings, account, saved)
    return [topic.name for topic in wanted]


async def remove(settings: Settings, account: str | None, name: str) -> None:
    """Offer a topic no more. Raises `OperatorError`."""
    if name not in {topic.name for topic in known(settings, account)}:
        raise OperatorError(f"there is no subscription topic {name}")
    await _record(settings, account, [SubscriptionTopicRemoved(name=name, by=BY)])


def load(file: Path) -> list[SubscriptionTopic]:
    """The topics of a YAML or JSON file. Raises `OperatorError`, naming what is wrong."""
    try:
        topics = msgspec.convert(yaml.safe_load(file.read_text("utf-8")), list[SubscriptionTopic])
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        raise OperatorError(f"{file}: {error}") from error
    for topic in topics:
        if NAME.fullmatch(topic.name) is None:
            raise OperatorError(f"{file}: {topic.name!r} is no name: up to 64 of a-z, 0-9, - and _")
    return topics


async def _record(
    settings: Settings,
    account: str | None,
    told: Sequence[SubscriptionTopicSaved | SubscriptionTopicRemoved],
) -> None:
    number = account_number(open_state(Path(settings.data), read_only=True), account)
    now = SystemClock().now()
    events = [
        codec.make(data, account=number, subject=subjects.thing("subscription_topic", data.name), now=now)
        for data in told
    ]
    async with recording(settings) as journal:
        await journal.append([codec.encode(event) for event in events])
