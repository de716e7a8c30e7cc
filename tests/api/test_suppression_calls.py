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
