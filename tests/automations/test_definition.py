"""Definitions: read strictly, with the place and the remedy of what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, OperatorError
from heliograph.events.vocabulary import BY_NAME
from heliograph.react.automations import parse
from heliograph.react.automations.durations import duration
from heliograph.react.automations.kinds import TRIGGERS
from heliograph.react.automations.ready_made import load
from heliograph.react.automations.selecting import Matching, Selector
from heliograph.react.automations.steps import Send, Step, Wait
from heliograph.react.state.conditions import Condition

WELCOME = {
    "name": "welcome",
    "trigger": {"kind": "person.created"},
    "steps": [{"send": {"template": "welcome"}}],
}
CART_YAML = """
name: abandoned-cart
group: Recovery
trigger:
  kind: [cart.created, cart.updated]
  where:
    total_price: {gte: 50}
    created_at: {gte: 2026-01-01}
cancel_on:
  - kind: order.created
steps:
  - wait: 1h
  - send: {channel: email, template: abandoned-cart-1}
  - wait: 86400
  - send: {template: abandoned-cart-2}
"""


FILE = "https://x.example/{{ event.number }}.pdf"


def changed(**fields) -> dict:
    return {**WELCOME, **fields}


def attaching(**file) -> dict:
    return changed(steps=[{"send": {"template": "a", "attachments": [{"name": "a.pdf", **file}]}}])


def test_a_cart_automation_is_about_carts_and_begins_anew_with_each_change(tmp_path: Path) -> None:
    file = tmp_path / "cart.yaml"
    file.write_text(CART_YAML)
    saved, _ = load(file)
    automation = parse(saved.definition)
    assert saved.name == automation.name == "abandoned-cart"
    assert json.loads(json.dumps(saved.definition)) == saved.definition
    assert automation.trigger == Selector(
        ("cart.created", "cart.updated"),
        None,
        (Condition("total_price", "gte", 50), Condition("created_at", "gte", "2026-01-01")),
    )
    assert (automation.once, automation.object, automation.restart_on_trigger) == ("object", "id", True)
    assert automation.cancel_on == (Matching(Selector(("order.created",), None, ()), "any", "cart_id"),)
    assert automation.steps == (
        Step("steps[0]", Wait(3600 * SECOND)),
        Step("steps[1]", Send("email", "abandoned-cart-1")),
        Step("steps[2]", Wait(86400 * SECOND)),
        Step("steps[3]", Send("email", "abandoned-cart-2")),
    )


def test_a_json_file_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "welcome.json"
    file.write_text(json.dumps(WELCOME))
    assert load(file)[0].definition == WELCOME


def test_defaults_follow_from_the_trigger() -> None:
    welcome = parse(WELCOME)
    assert (welcome.once, welcome.object, welcome.restart_on_trigger) == ("event", None, False)
    order = parse(changed(trigger={"kind": "order.created"}, cancel_on=[{"kind": "order.deleted"}]))
    assert (order.once, order.object, order.restart_on_trigger) == ("object", "id", False)
    assert order.cancel_on[0].path == "id"
    booked = parse(changed(trigger={"kind": "custom", "name": "room-booked"}, object="guest.id"))
    assert (booked.once, booked.object) == ("object", "guest.id")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("30m", 1800),
        ("1h", 3600),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1w", 604800),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(written, seconds) -> None:
    assert duration(written, "at") == seconds * SECOND


@pytest.mark.parametrize(
    "written", ["", "1", "h", "1 hour", "-1h", "1h-", "1.2.3h", "٣h", -1, float("nan"), 1e300, "401d"]
)
def test_what_is_no_duration_is_refused(written) -> None:
    with pytest.raises(BadRequest):
        duration(written, "at")


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({}, "name"),
        (changed(trgger={}), "trgger"),
        (changed(name=""), "name"),
        (changed(trigger={"kind": "person.created", "wher": {}}), "trigger.wher"),
        (changed(trigger={"kind": "carts/update"}), "trigger.kind"),
        (changed(trigger={"kind": []}), "trigger.kind"),
        (changed(trigger={"kind": "order.created", "name": "x"}), "trigger.name"),
        (changed(trigger={"kind": "order.created", "where": {"a": {"is": 1}}}), "trigger.where.a.is"),
        (changed(once="object"), "object"),
        (changed(once="person", part="variant_id"), "part"),
        (
            changed(trigger={"kind": "person.created", "where": {"id": {"said": "id"}}}),
            "trigger.where.id.said",
        ),
        (changed(once="twice"), "once"),
        (changed(cancel_on=[{"kind": "nothing"}]), "cancel_on[0].kind"),
        (changed(cancel_on=[{"kind": "order.created", "match": "object"}]), "cancel_on[0].path"),
        (changed(cancel_on=[{"kind": "order.created", "where": {"a": []}}]), "cancel_on[0].where.a"),
        (changed(steps=[]), "steps"),
        (changed(steps=[{}]), "steps[0]"),
        (changed(steps=[{"wait": "1h", "send": {"template": "a"}}]), "steps[0]"),
        (changed(steps=[{"wait": "1h"}]), "steps"),
        (changed(steps=[{"send": {"template": "a"}}, {"wait": "soon"}]), "steps[1].wait"),
        (changed(steps=[{"send": {"template": "a", "channel": "fax"}}]), "steps[0].send.channel"),
        (changed(steps=[{"send": {"template": "a"}}] * 51), "steps"),
        (changed(lateness="long"), "lateness"),
        (changed(url_append="a b"), "url_append"),
        (attaching(), "steps[0].send.attachments[0].url"),
        (attaching(url="ftp://x.example/a.pdf"), "steps[0].send.attachments[0].url"),
        (attaching(url="https://{{ event.host }}/a.pdf"), "steps[0].send.attachments[0].url"),
        (attaching(url="https://x.example{{ event.rest }}/a.pdf"), "steps[0].send.attachments[0].url"),
        (attaching(url="https://x.example@{{ event.host }}/a.pdf"), "steps[0].send.attachments[0].url"),
        (attaching(url=f"{FILE}/{{{{ event.number"), "steps[0].send.attachments[0].url"),
        (attaching(url=f"{FILE}/{{{{ event.number | url_encod }}}}"), "steps[0].send.attachments[0].url"),
        (attaching(url=f"{FILE}/{{% include 'a' %}}"), "steps[0].send.attachments[0].url"),
        (attaching(url=FILE, name="{{ event..number }}.pdf"), "steps[0].send.attachments[0].name"),
        (attaching(url=FILE, name="a/b.pdf"), "steps[0].send.attachments[0]"),
        (attaching(url=FILE, content_type="message/rfc822"), "steps[0].send.attachments[0]"),
        (attaching(url=FILE, content_id="logo"), "steps[0].send.attachments[0]"),
        (attaching(url=FILE, source="file:x"), "steps[0].send.attachments[0].source"),
        (
            changed(steps=[{"send": {"template": "a", "attachments": [{"name": "a"}] * 21}}]),
            "steps[0].send.attachments",
        ),
        (
            changed(
                steps=[
                    {"send": {"template": "a", "channel": "sms", "attachments": [{"name": "a", "url": FILE}]}}
                ]
            ),
            "steps[0].send.attachments",
        ),
        (changed(steps=[{"send": {"template": "a", "url_append": "x={who}"}}]), "steps[0].send.url_append"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(definition, field) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(definition)
    assert caught.value.field == field
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "name: [",
        "name: x\nsteps: []",
        "{1: 2}",
        "a: !!python/object:os.system {}",
        "a: &a [*a]",
        "\0",
        "a: 0x" + "f" * 400,
    ],
)
def test_a_file_that_is_no_automation_is_named(tmp_path: Path, text) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(OperatorError, match=r"wrong\.yaml"):
        load(file)


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="missing"):
        load(tmp_path / "missing.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"name: gr\xfc\xdfe")
    with pytest.raises(OperatorError, match="latin"):
        load(tmp_path / "latin.yaml")


def test_no_automation_listens_to_definitions_jobs_feeds_or_its_own_trace() -> None:
    """Nothing feeds on itself."""
    for kind in TRIGGERS:
        assert kind in BY_NAME
        assert kind.partition(".")[0] not in {
            "run",
            "feed",
            "automation",
            "template",
            "job",
            "record",
            "reader",
        }
    assert {"cart.updated", "order.created", "custom", "link.clicked", "message.sent"} <= TRIGGERS
