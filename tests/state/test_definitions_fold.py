"""What operators defined: versions, numbers, states."""

from __future__ import annotations

import pytest
from state_world import ACCOUNT, OTHER, World, dump, fold

from heliograph.events.definitions import (
    AutomationRemoved,
    AutomationSaved,
    FeedConfirmed,
    FeedPaused,
    FeedRemoved,
    FeedResumed,
    FeedSaved,
    TemplateRemoved,
    TemplateSaved,
)
from heliograph.events.event import AnyEvent, Data
from heliograph.react.state import definitions


def saved(world: World, name: str, text: str) -> AnyEvent:
    return world.happen(TemplateSaved(name=name, parts={"html": text}, settings={"from": "x"}))


def text_of(world: World, name: str, version: int | None = None) -> str | None:
    found = definitions.template(world.connection, ACCOUNT, name, version)
    return found.parts["html"] if found else None


def test_versions_of_a_template_count_from_one(world: World) -> None:
    saved(world, "a", "one")
    saved(world, "b", "other")
    saved(world, "a", "two")
    found = definitions.template(world.connection, ACCOUNT, "a")
    assert found == definitions.Template(name="a", version=2, parts={"html": "two"}, settings={"from": "x"})
    assert text_of(world, "a", 1) == "one"
    assert text_of(world, "a", 3) is None
    assert definitions.template(world.connection, OTHER, "a") is None
    assert [(one.name, one.version) for one in definitions.templates(world.connection, ACCOUNT)] == [
        ("a", 2),
        ("b", 1),
    ]


def test_a_removed_template_keeps_its_versions_and_goes_on_counting(world: World) -> None:
    saved(world, "a", "one")
    world.happen(TemplateRemoved(name="a"))
    assert text_of(world, "a") is None
    assert definitions.templates(world.connection, ACCOUNT) == []
    assert text_of(world, "a", 1) == "one"
    saved(world, "a", "two")
    assert text_of(world, "a", 2) == "two" == text_of(world, "a")


def automation(world: World, name: str, wait: int = 0, account: str = ACCOUNT) -> AnyEvent:
    return world.happen(AutomationSaved(name=name, definition={"wait": wait}), account=account)


def test_an_automation_has_a_number_that_stays(world: World) -> None:
    """RM-16: `campaign_id` is an integer; by order of first appearance, in each account."""
    automation(world, "cart")
    automation(world, "welcome")
    automation(world, "cart", wait=1)
    automation(world, "welcome", account=OTHER)
    world.happen(AutomationRemoved(name="cart"))
    automation(world, "third")
    automation(world, "cart", wait=2)
    found = definitions.automations(world.connection, ACCOUNT)
    assert [(one.id, one.name, one.version, one.definition) for one in found] == [
        (1, "cart", 3, {"wait": 2}),
        (2, "welcome", 1, {"wait": 0}),
        (3, "third", 1, {"wait": 0}),
    ]
    assert [one.id for one in definitions.automations(world.connection, OTHER)] == [1]


def test_a_removed_automation_is_known_to_its_runs_alone(world: World) -> None:
    automation(world, "cart")
    automation(world, "cart", wait=1)
    world.happen(AutomationRemoved(name="cart"))
    assert definitions.automations(world.connection, ACCOUNT) == []
    run = definitions.automation(world.connection, ACCOUNT, "cart", 1)
    assert run == definitions.Automation(name="cart", version=1, definition={"wait": 0}, id=1)
    assert definitions.automation(world.connection, ACCOUNT, "cart", 3) is None


def test_saving_is_done_once_for_each_event(world: World) -> None:
    events = [saved(world, "a", "one"), automation(world, "cart")]
    before = dump(world.connection, definitions.FOLD.tables)
    fold(world.connection, events)
    assert dump(world.connection, definitions.FOLD.tables) == before


def feed(endpoint: str = "https://x.example/hook", *, confirm: bool = False) -> FeedSaved:
    options = {"confirm": True} if confirm else {}
    return FeedSaved(
        name="f", dialect="remarkety", endpoint=endpoint, kinds=("message.sent",), options=options
    )


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ([feed()], "active"),
        ([feed(confirm=True)], "pending"),
        ([feed(confirm=True), FeedConfirmed(name="f")], "active"),
        ([feed(confirm=True), FeedConfirmed(name="f"), feed(confirm=True)], "active"),
        ([feed(confirm=True), FeedConfirmed(name="f"), feed("https://y.example", confirm=True)], "pending"),
        ([feed(confirm=True), FeedResumed(name="f")], "pending"),
        ([feed(), FeedPaused(name="f")], "paused"),
        ([feed(), FeedPaused(name="f"), feed("https://y.example")], "paused"),
        ([feed(), FeedPaused(name="f"), FeedConfirmed(name="f")], "paused"),
        ([feed(), FeedPaused(name="f"), FeedResumed(name="f")], "active"),
        ([feed(), FeedRemoved(name="f")], None),
        ([feed(), FeedRemoved(name="f"), FeedResumed(name="f")], None),
        ([feed(), FeedPaused(name="f"), FeedRemoved(name="f"), feed()], "active"),
        ([FeedPaused(name="f")], None),
    ],
)
def test_a_feed_has_a_state(world: World, story: list[Data], state: str | None) -> None:
    for data in story:
        world.happen(data)
    assert [one.state for one in definitions.feeds(world.connection)] == ([state] if state else [])


def test_a_feed_is_as_it_was_last_saved(world: World) -> None:
    first = world.happen(feed())
    world.happen(feed("https://y.example"))
    other = world.happen(feed(), account=OTHER)
    assert definitions.feeds(world.connection) == [
        definitions.Feed(
            account=account,
            name="f",
            dialect="remarkety",
            endpoint=endpoint,
            kinds=("message.sent",),
            options={},
            state="active",
            begun=begun.recorded,
        )
        for account, endpoint, begun in (
            (ACCOUNT, "https://y.example", first),
            (OTHER, "https://x.example/hook", other),
        )
    ]


@pytest.mark.parametrize(
    ("story", "beginning"),
    [
        ([feed(), feed("https://y.example")], 0),
        ([feed(), FeedPaused(name="f"), FeedResumed(name="f")], 0),
        ([feed(), FeedRemoved(name="f"), feed()], 2),
        ([feed(confirm=True), feed(confirm=True), FeedConfirmed(name="f")], 2),
        ([feed(confirm=True), FeedConfirmed(name="f"), FeedConfirmed(name="f")], 1),
    ],
)
def test_a_feed_begins_when_it_is_made_or_confirmed(world: World, story: list[Data], beginning: int) -> None:
    events = [world.happen(data) for data in story]
    (found,) = definitions.feeds(world.connection)
    assert found.begun == events[beginning].recorded
