"""`/api/v1/templates`: versions, previews that record nothing, tests that are marked, and what is wrong."""

from __future__ import annotations

from typing import Any

from api_world import World

from heliograph.events import codec
from heliograph.events.commerce import Cart, CartUpdated
from heliograph.events.jobs import RecordPut
from heliograph.events.messages import MessageRequested

TEMPLATES = "/api/v1/templates"
PARTS = {"subject": "Hi {{ person.first_name }}", "text": "Bye: {{ unsubscribe_url }}"}


async def saved(world: World, name: str = "cart", settings: Any = None, **parts: str) -> None:
    body = {"parts": parts or PARTS, "settings": settings or {}}
    answer = await world.ask("PUT", f"{TEMPLATES}/{name}", body)
    assert answer.status == 202, answer.json
    await world.follow()


async def test_a_template_is_saved_listed_and_shown_as_it_was_written(world: World) -> None:
    await saved(world, settings={"from_name": "Shop"})
    await saved(world, "sms", sms="Hi", push_body="Ho")
    listed = (await world.ask("GET", TEMPLATES)).json["templates"]
    assert [(one["name"], one["version"], one["channels"]) for one in listed] == [
        ("cart", 1, ["email"]),
        ("sms", 1, ["sms", "push"]),
    ]
    shown = (await world.ask("GET", f"{TEMPLATES}/cart")).json
    assert (shown["parts"], shown["settings"]) == (PARTS, {"from_name": "Shop"})
    assert (await world.ask("GET", f"{TEMPLATES}/cart", key=world.other_key)).status == 404


async def test_an_old_version_can_be_shown_and_made_the_newest_again(world: World) -> None:
    await saved(world)
    await saved(world, subject="two", text="x")
    assert (await world.ask("GET", f"{TEMPLATES}/cart")).json["parts"]["subject"] == "two"
    assert (await world.ask("GET", f"{TEMPLATES}/cart", version=1)).json["parts"] == PARTS
    assert (await world.ask("POST", f"{TEMPLATES}/cart/rollback", {"version": 1})).status == 202
    await world.follow()
    now = (await world.ask("GET", f"{TEMPLATES}/cart")).json
    assert (now["version"], now["parts"]) == (3, PARTS)
    past = (await world.ask("GET", f"{TEMPLATES}/cart/versions")).json["versions"]
    assert [one["version"] for one in past] == [3, 2, 1]
    assert (await world.ask("POST", f"{TEMPLATES}/cart/rollback", {"version": 9})).status == 404


async def test_a_removed_template_is_offered_no_more_and_its_versions_stay(world: World) -> None:
    await saved(world)
    assert (await world.ask("DELETE", f"{TEMPLATES}/cart")).status == 202
    await world.follow()
    assert (await world.ask("GET", f"{TEMPLATES}/cart")).status == 404
    assert (await world.ask("GET", TEMPLATES)).json["templates"] == []
    assert (await world.ask("GET", f"{TEMPLATES}/cart", version=1)).status == 200
    (version,) = (await world.ask("GET", f"{TEMPLATES}/cart/versions")).json["versions"]
    assert version["removed_at"] is not None


async def test_what_cannot_be_sent_is_refused_with_its_places_and_not_saved(world: World) -> None:
    parts = {"subject": "{{ x", "html": "<p>\n{% if a %}"}
    answer = await world.ask("PUT", f"{TEMPLATES}/cart", {"parts": parts, "settings": {"colour": "red"}})
    assert answer.status == 400
    fields = {error["field"] for error in answer.json["errors"]}
    assert fields == {"parts.subject", "parts.html", "settings"}
    assert await world.journal.head() == 0


async def test_a_preview_shows_a_person_or_a_sample_and_records_nothing(world: World) -> None:
    await saved(
        world,
        subject="{{ person.first_name }}",
        html="<p>{{ event.total_price }}{{ cart.total }}</p>",
        sms="S",
    )
    ann = await world.customer(id=7, email="ann@x.example", first_name="Ann")
    await world.happen(
        CartUpdated(cart=Cart(id="c1", email="ann@x.example", total_price=12.5)),
        subject="email:ann@x.example",
    )
    head = await world.journal.head()
    sample = (await world.ask("POST", f"{TEMPLATES}/cart/preview", {})).json
    assert (sample["subject"], sample["html"], sample["sms"]) == ("Ada", "<p>39.039.0</p>", "S")
    body = {"person": ann.id, "context": {"event": {"total_price": 5}}}
    hers = (await world.ask("POST", f"{TEMPLATES}/cart/preview", body)).json
    assert (hers["subject"], hers["html"], hers["text"]) == ("Ann", "<p>512.5</p>", "512.5\n")
    wrong = (await world.ask("POST", f"{TEMPLATES}/cart/preview", {"context": {}})).json
    assert wrong["html"] is None
    (error,) = wrong["errors"]
    assert (error["message"], error["line"], error["column"]) == ("'event' is undefined", 1, 7)
    tried = {"parts": {"subject": "x", "mjml": "<mjml><mj-body></mj-body></mjml>"}}
    assert "<html" in (await world.ask("POST", f"{TEMPLATES}/none/preview", tried)).json["html"]
    assert (await world.ask("POST", f"{TEMPLATES}/cart/preview", {"person": "nobody"})).status == 400
    assert await world.journal.head() == head


async def test_a_preview_of_ours_leads_nowhere_that_changes_anything(world: World) -> None:
    await saved(world, subject="x", text="{{ unsubscribe_url }} {{ preferences_url }} {{ web_copy_url }}")
    text = (await world.ask("POST", f"{TEMPLATES}/cart/preview", {})).json["text"]
    base = "https://mail.shop.example"
    assert text == f"{base}/u/preview {base}/p/preview {base}/w/preview"


async def test_a_test_is_a_message_that_is_marked_as_one(world: World) -> None:
    await saved(world)
    answer = await world.ask(
        "POST", f"{TEMPLATES}/cart/test", {"to": "me@x.example", "context": {"event": {"id": 1}}}
    )
    assert answer.status == 202
    (entry,) = await world.journal.read(0, kinds=frozenset((MessageRequested.kind,)))
    asked = codec.decode(entry).data
    assert isinstance(asked, MessageRequested)
    assert (entry.id, asked.is_test, asked.address, asked.template_version, asked.context) == (
        answer.json["message"], True, "me@x.example", 1, {"event": {"id": 1}},
    )  # fmt: skip
    for body, field in (({"to": "nobody"}, "to"), ({"to": "+1202", "channel": "sms"}, "channel")):
        refused = await world.ask("POST", f"{TEMPLATES}/cart/test", body)
        assert (refused.status, refused.json["field"]) == (400, field)


async def test_lint_tells_what_is_wrong_with_what_is_saved_or_not(world: World) -> None:
    await saved(world, subject="x", html="<img src='https://x.invalid/a.png'>")
    told = (await world.ask("POST", f"{TEMPLATES}/cart/lint", {})).json["findings"]
    assert {"missing_alt", "no_unsubscribe", "no_text"} <= {one["code"] for one in told}
    fetched = (await world.ask("POST", f"{TEMPLATES}/cart/lint", {"fetch": True})).json["findings"]
    await world.means.egress.close()
    assert fetched[0]["code"] == "broken_image"
    draft = {"parts": {"subject": "x", "text": "{% nothing %}"}}
    (error, *_) = (await world.ask("POST", f"{TEMPLATES}/new/lint", draft)).json["findings"]
    assert (error["level"], error["line"], error["column"]) == ("error", 1, 4)


async def test_a_preview_looks_context_records_up_and_counts_no_hit(world: World) -> None:
    await world.happen(
        RecordPut(prefix="OFFERS", key="7", record={"title": "Hats"}), subject="record:OFFERS-7"
    )
    await saved(world, subject="{{ records.OFFERS[person.customer_id].title }}", text="x")
    ann = await world.customer(id=7, email="ann@x.example")
    before = await world.journal.head()
    look = (await world.ask("POST", f"{TEMPLATES}/cart/preview", {"person": ann.id})).json
    assert (look["subject"], look["errors"]) == ("Hats", [])
    assert await world.journal.head() == before


async def test_settings_of_texts_pushes_and_tracking_are_known_by_their_kinds(world: World) -> None:
    settings = {"tracking_hooks": False, "shorten_links": True, "push_link": "shop://x", "push_ttl": 60}
    await saved(world, settings={**settings, "push_data": {"cart": "{{ event.id }}"}}, push_body="Ho")
    wrong = {
        "headers": {"Bcc": "x"},
        "attachments": [{"name": "x"}],
        "push_ttl": True,
        "push_data": "x",
        "tracking_hooks": "no",
    }
    answer = await world.ask("PUT", f"{TEMPLATES}/cart", {"parts": PARTS, "settings": wrong})
    assert answer.status == 400
    assert {error["reason"].partition(":")[0] for error in answer.json["errors"]} == set(wrong)
