"""`/api/v1/suppressions`: what is shown, barred and lifted."""

from __future__ import annotations

from api_world import World

from heliograph.events.consent import SuppressionAdded

PATH = "/api/v1/suppressions"


async def types(world: World, address: str) -> list[str]:
    await world.follow()
    answer = await world.ask("GET", PATH, address=address)
    assert answer.status == 200
    return [one["type"] for one in answer.json["suppressions"]]


async def test_an_address_is_barred_and_freed_again(world: World) -> None:
    """MG-8"""
    assert await types(world, "Ann@X.example") == []
    answer = await world.ask("POST", PATH, {"address": "Ann@X.example", "reason": "she asked by phone"})
    assert answer.status == 202 and answer.json["event"]
    await world.follow()
    (one,) = (await world.ask("GET", PATH, address="ann@x.example")).json["suppressions"]
    assert (one["type"], one["reason"]) == ("manually_suppressed", "she asked by phone")
    assert await types(world, "bob@x.example") == []
    lift = {"address": "ANN@x.example", "type": "manually_suppressed"}
    assert (await world.ask("POST", f"{PATH}/lift", lift)).status == 202
    assert await types(world, "ann@x.example") == []
    assert (await world.ask("POST", f"{PATH}/lift", lift)).status == 404


async def test_only_the_reason_that_is_named_is_lifted_and_an_unsubscription_never(world: World) -> None:
    """RM-12"""
    for kind in ("soft_bounce", "unsubscribed"):
        await world.happen(SuppressionAdded(address="ann@x.example", type=kind))  # type: ignore[arg-type]
    lift = {"address": "ann@x.example", "type": "soft_bounce", "reason": "mailbox emptied"}
    assert (await world.ask("POST", f"{PATH}/lift", lift)).status == 202
    assert await types(world, "ann@x.example") == ["unsubscribed"]
    refused = await world.ask("POST", f"{PATH}/lift", {"address": "ann@x.example", "type": "unsubscribed"})
    assert refused.status == 400 and refused.json["field"] == "type"
    assert await types(world, "ann@x.example") == ["unsubscribed"]


async def test_nobody_sees_or_lifts_suppressions_of_another_account(world: World) -> None:
    await world.happen(SuppressionAdded(address="ann@x.example", type="soft_bounce"))
    answer = await world.ask("GET", PATH, key=world.other_key, address="ann@x.example")
    assert answer.json["suppressions"] == []
    lift = {"address": "ann@x.example", "type": "soft_bounce"}
    assert (await world.ask("POST", f"{PATH}/lift", lift, key=world.other_key)).status == 404


async def test_the_history_says_what_was_added_and_lifted_by_whom_and_why(world: World) -> None:
    """MG-8: who barred an address, and who lifted it, can be told for ever."""
    bounce = await world.happen(SuppressionAdded(address="ann@x.example", type="hard_bounce", reason="550"))
    await world.clock.advance(1)
    assert (await world.ask("POST", PATH, {"address": "Ann@x.example", "reason": "asked"})).status == 202
    await world.follow()
    await world.clock.advance(1)
    lift = {"address": "ann@x.example", "type": "manually_suppressed", "reason": "a mistake"}
    assert (await world.ask("POST", f"{PATH}/lift", lift)).status == 202
    await world.follow()
    await world.happen(SuppressionAdded(address="+12025550137", channel="sms", type="unsubscribed"))
    whole = (await world.ask("GET", f"{PATH}/history")).json["changes"]
    assert [(one["change"], one["type"], one["channel"]) for one in whole] == [
        ("added", "unsubscribed", "sms"),
        ("removed", "manually_suppressed", "email"),
        ("added", "manually_suppressed", "email"),
        ("added", "hard_bounce", "email"),
    ]
    key = world.means.directory.token(world.key)
    assert key is not None
    assert [one["by"] for one in whole] == ["", f"api key {key.public}", f"api key {key.public}", ""]
    assert [one["reason"] for one in whole[1:3]] == ["a mistake", "asked"] and whole[3]["event"] == bounce.id
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = (await world.ask("GET", f"{PATH}/history", address="ANN@x.example", limit=1, after=after)).json
        seen += [one["event"] for one in page["changes"]]
        after = page["next"]
    assert seen == [one["event"] for one in whole[1:]]
    assert (await world.ask("GET", f"{PATH}/history", key=world.other_key)).json["changes"] == []
    written = await world.ask("GET", f"{PATH}/history", format="csv", type="hard_bounce")
    assert written.raw.decode().splitlines()[1].startswith(f"{bounce.id},")


async def test_an_import_says_what_was_suppressed_already_and_records_it_once(world: World) -> None:
    body = {"lines": "ann@x.example\nANN@x.example\nbob@x.example,left\n", "reason": "old list"}
    for recorded, known in ((2, 0), (0, 2)):
        answer = await world.ask("POST", f"{PATH}/import", body)
        assert (answer.json["recorded"], answer.json["known"]) == (recorded, known)
        await world.follow()
    texts = {"lines": "+1 202 555 0137\n12345\n", "channel": "sms"}
    answer = await world.ask("POST", f"{PATH}/import", texts)
    assert answer.json["recorded"] == 1 and [one["line"] for one in answer.json["refused"]] == [2]
    await world.follow()
    listed = (await world.ask("GET", f"{PATH}/list", channel="sms")).json["suppressions"]
    assert [one["address"] for one in listed] == ["+12025550137"]
    for written in ("+12025550137", "+1 (202) 555-0137", " 12025550137"):
        found = await world.ask("GET", PATH, address=written, channel="sms")
        assert len(found.json["suppressions"]) == 1, written
    (await world.ask("GET", f"{PATH}/list", format="csv")).raw.decode().index("bob@x.example,email,")


async def test_what_is_no_address_is_not_suppressed(world: World) -> None:
    for channel, address in (("email", "nobody"), ("sms", "12345"), ("push", " ")):
        answer = await world.ask("POST", PATH, {"address": address, "channel": channel})
        assert (answer.status, answer.json["field"]) == (400, "address")
