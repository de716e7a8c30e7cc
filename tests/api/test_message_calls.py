"""`/api/v1/messages`, suppression lists and subscription topics."""

from __future__ import annotations

from api_world import World

from heliograph.events.definitions import TemplateSaved
from heliograph.events.engagement import MessageOpened, ReaderJudged
from heliograph.events.messages import MessageSuppressed
from heliograph.react.state import preferences

PATH = "/api/v1/messages"
SEND = {"template": "hello", "to": "Ann@X.example", "data": {"name": "Ann"}, "topic": "news"}


async def template(world: World) -> None:
    await world.happen(TemplateSaved(name="hello", parts={"subject": "Hi", "text": "x"}))


async def test_a_message_is_sent_once_for_a_key_and_has_its_whole_history(world: World) -> None:
    await template(world)
    await world.customer(id="7", email="ann@x.example")
    key = {"idempotency-key": "order-7"}
    first = await world.ask("POST", PATH, SEND, headers=key)
    again = await world.ask("POST", PATH, SEND, headers=key)
    assert (first.status, again.status) == (202, 202)
    assert (first.json["repeated"], again.json) == (False, {"id": first.json["id"], "repeated": True})
    await world.follow()
    other = await world.ask("POST", PATH, {**SEND, "to": "bob@x.example"}, headers=key)
    assert other.status == 422
    message = first.json["id"]
    opened = await world.happen(MessageOpened(message=message), subject=f"message:{message}")
    await world.happen(
        ReaderJudged(event=opened.id, reader="scanner", reason="r"), subject=f"message:{message}"
    )
    await world.happen(MessageOpened(message="another"), subject="email:ann@x.example")
    shown = (await world.ask("GET", f"{PATH}/{message}")).json
    assert (shown["message"]["address"], shown["message"]["topic"]) == ("ann@x.example", "news")
    assert [one["kind"] for one in shown["history"]] == [
        "message.requested",
        "message.opened",
        "reader.judged",
    ]
    assert (await world.ask("GET", f"{PATH}/{message}", key=world.other_key)).status == 404


async def test_what_cannot_be_sent_is_refused_at_once(world: World) -> None:
    await template(world)
    for wrong, field in (({"template": "none"}, "template"), ({"to": "nobody"}, "to")):
        answer = await world.ask("POST", PATH, {**SEND, **wrong})
        assert (answer.status, answer.json["field"]) == (400, field)


async def test_messages_are_listed_page_by_page_and_by_state(world: World) -> None:
    await template(world)
    ids = []
    for number in range(5):
        answer = await world.ask("POST", PATH, {**SEND, "to": f"p{number}@x.example"})
        ids.append(answer.json["id"])
        await world.clock.advance(1)
    await world.follow()
    refusal = MessageSuppressed(message=ids[0], address="p0@x.example", code=131, category="c", reason="left")
    await world.happen(refusal)
    seen, after = [], ""
    while True:
        page = (await world.ask("GET", PATH, limit=2, after=after)).json
        seen += [one["id"] for one in page["messages"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == ids[::-1]
    (one,) = (await world.ask("GET", PATH, state="suppressed")).json["messages"]
    assert (one["id"], one["reason"]) == (ids[0], "left")
    assert (await world.ask("GET", PATH, after="x")).status == 400


async def test_a_list_is_suppressed_and_read_back_page_by_page(world: World) -> None:
    lines = "a@x.example\n\nB@X.example,asked by phone\nno address\n"
    answer = await world.ask("POST", "/api/v1/suppressions/import", {"lines": lines, "reason": "old list"})
    assert answer.json["recorded"] == 2
    assert [one["line"] for one in answer.json["refused"]] == [4]
    await world.follow()
    first = (await world.ask("GET", "/api/v1/suppressions/list", limit=1)).json
    rest = (await world.ask("GET", "/api/v1/suppressions/list", limit=1, after=first["next"])).json
    held = first["suppressions"] + rest["suppressions"]
    assert [(one["address"], one["reason"]) for one in held] == [
        ("a@x.example", "old list"),
        ("b@x.example", "asked by phone"),
    ]
    assert rest["next"] is None
    assert (await world.ask("GET", "/api/v1/suppressions/list", type="unsubscribed")).json[
        "suppressions"
    ] == []
    assert (await world.ask("GET", "/api/v1/suppressions/list", after="x")).status == 400


async def test_topics_are_defined_changed_and_removed(world: World) -> None:
    path = "/api/v1/subscription-topics"
    for title in ("News", "Newsletter"):
        await world.ask("PUT", f"{path}/news", {"titles": {"en": title}})
    await world.ask("PUT", f"{path}/offers", {"titles": {"en": "Offers"}, "default": False})
    await world.follow()
    listed = (await world.ask("GET", path)).json["topics"]
    assert [(one["name"], one["titles"]["en"], one["default"]) for one in listed] == [
        ("news", "Newsletter", True),
        ("offers", "Offers", False),
    ]
    assert (await world.ask("PUT", f"{path}/No%20name", {"titles": {}})).status == 400
    assert (await world.ask("DELETE", f"{path}/news")).status == 202
    await world.follow()
    assert (await world.ask("DELETE", f"{path}/news")).status == 404
    with world.state.connect() as connection:
        assert [one.name for one in preferences.topics(connection, world.account)] == ["offers"]
