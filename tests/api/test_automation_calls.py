"""Automations and segments over the operators' API."""

from __future__ import annotations

from api_world import World

from heliograph.events.commerce import Cart, CartUpdated
from heliograph.react import automations

CARTS = {
    "name": "carts",
    "trigger": {"kind": "cart.updated", "where": {"total_price": {"gte": 50}}},
    "steps": [{"wait": "1h"}, {"send": {"template": "cart"}}],
}
ANN = "ann@example.com"


async def follow(world: World) -> None:
    await world.follow(automations.reaction(world.means.directory))


async def test_a_definition_is_saved_shown_counted_and_removed(world: World) -> None:
    saved = await world.ask("PUT", "/api/v1/automations/carts", {"definition": CARTS})
    assert saved.status == 202
    await follow(world)
    await world.customer(id=77, email=ANN)
    cart = CartUpdated(cart=Cart(id="c", email=ANN, total_price=60))
    event = await world.happen(cart, subject=f"email:{ANN}")
    world._folded = 0  # decided again from the beginning: derived ids make it once
    await follow(world)
    shown = (await world.ask("GET", "/api/v1/automations/carts")).json
    assert (shown["version"], shown["definition"], shown["runs"]) == (1, CARTS, {"open": 1})
    assert [one["name"] for one in (await world.ask("GET", "/api/v1/automations")).json["automations"]] == [
        "carts"
    ]
    told = (await world.ask("GET", "/api/v1/automations/carts/runs", person=ANN)).json
    assert [(run["trigger"], run["state"]) for run in told["runs"]] == [(event.id, "open")]
    assert (await world.ask("GET", "/api/v1/automations/carts/runs", person="77")).json == told
    assert (await world.ask("DELETE", "/api/v1/automations/carts")).status == 202
    await follow(world)
    assert (await world.ask("GET", "/api/v1/automations/carts")).status == 404


async def test_what_is_wrong_is_named_by_its_path(world: World) -> None:
    wrong = {**CARTS, "steps": [{"wait": "soon"}]}
    answer = await world.ask("PUT", "/api/v1/automations/carts", {"definition": wrong})
    assert (answer.status, answer.json["field"]) == (400, "definition.steps[0].wait")
    answer = await world.ask("PUT", "/api/v1/automations/other", {"definition": CARTS})
    assert (answer.status, answer.json["field"]) == (400, "definition.name")
    assert (await world.ask("GET", "/api/v1/automations/carts/runs", person="x@example.com")).status == 404


async def test_a_definition_may_be_the_text_of_a_file_and_errors_name_its_line(world: World) -> None:
    text = "name: carts\ntrigger: {kind: cart.updated}\nsteps:\n  - wait: 1h\n  - send: {template: cart}\n"
    assert (await world.ask("PUT", "/api/v1/automations/carts", {"definition": text})).status == 202
    await follow(world)
    shown = (await world.ask("GET", "/api/v1/automations/carts")).json
    assert shown["definition"]["steps"] == CARTS["steps"]
    for path, method in (("/api/v1/automations/carts", "PUT"), ("/api/v1/automations/carts/dry-run", "POST")):
        answer = await world.ask(method, path, {"definition": text.replace("1h", "soon")})
        assert (answer.status, answer.json["field"]) == (400, "definition.steps[0].wait")
        assert "(line 4, column 5)" in answer.json["message"]


async def test_a_dry_run_reads_the_past_and_records_nothing(world: World) -> None:
    for index, total in enumerate((60, 10, 70)):
        cart = CartUpdated(cart=Cart(id=f"c{index}", email=ANN, total_price=total))
        await world.happen(cart, subject=f"email:{ANN}")
    await world.clock.advance(7200)
    head = await world.journal.head()
    told = await world.ask("POST", "/api/v1/automations/carts/dry-run", {"definition": CARTS, "since": "1d"})
    assert (told.json["events"], told.json["people"], told.json["messages"]) == (2, 1, {"cart": 2})
    assert await world.journal.head() == head
    wrong = await world.ask(
        "POST", "/api/v1/automations/carts/dry-run", {"definition": CARTS, "since": "lately"}
    )
    assert (wrong.status, wrong.json["field"]) == (400, "since")
    assert (await world.ask("POST", "/api/v1/automations/carts/dry-run", {})).status == 404


async def test_a_segment_is_whoever_it_says_now(world: World) -> None:
    for number in range(3):
        await world.customer(email=f"p{number}@example.com", tags=["vip"] if number else [])
    who = {"person.tags": "vip"}
    assert (await world.ask("PUT", "/api/v1/segments/vips", {"who": who})).status == 202
    await world.follow()
    page = (await world.ask("GET", "/api/v1/segments/vips/people", limit=1)).json
    rest = (await world.ask("GET", "/api/v1/segments/vips/people", after=page["next"])).json
    found = [one["email"] for one in (*page["people"], *rest["people"])]
    assert sorted(found) == ["p1@example.com", "p2@example.com"]
    assert (await world.ask("GET", "/api/v1/segments")).json == {"segments": [{"name": "vips", "who": who}]}
    wrong = await world.ask("PUT", "/api/v1/segments/x", {"who": {"moon.full": True}})
    assert (wrong.status, wrong.json["field"]) == (400, "who.moon.full")
    await world.ask("DELETE", "/api/v1/segments/vips")
    await world.follow()
    assert (await world.ask("GET", "/api/v1/segments/vips/people")).status == 404
