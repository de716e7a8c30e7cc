"""Records through the operators' API: put one, put many, list, remove, and what cannot be kept."""

from __future__ import annotations

import pytest
from record_world import World

from heliograph.clock import SECOND, iso
from heliograph.react.state import records
from heliograph.react.state.records import KEY_LIMIT, SIZE_LIMIT, Name


async def test_a_record_that_was_put_is_there_in_the_next_call(world: World) -> None:
    await world.put("k1", {"tier": "gold", "n": [1, {"a": "ä"}]})
    status, found = await world.api("GET", "/records/DEMO2/k1")
    assert status == 200
    assert found["id"] == "DEMO2-k1"
    assert found["record"] == {"tier": "gold", "n": [1, {"a": "ä"}]}
    assert found["size"] == len('{"tier":"gold","n":[1,{"a":"ä"}]}'.encode())


async def test_a_record_put_again_is_replaced_and_remembers_when_it_was_made(world: World) -> None:
    await world.put("k1", {"n": 1})
    _, first = await world.api("GET", "/records/DEMO2/k1")
    await world.put("k1", {"m": 2})
    _, second = await world.api("GET", "/records/DEMO2/k1")
    assert second["record"] == {"m": 2}
    assert second["created_at"] == first["created_at"]
    assert second["updated_at"] > first["updated_at"]


async def test_a_wrong_record_among_many_spoils_no_other(world: World) -> None:
    many = [
        {"key": "a", "record": {"n": 1}},
        {"key": "with/slash", "record": {}},
        {"key": "b", "record": {"n": "x" * SIZE_LIMIT}},
        {"key": "c", "record": {"n": 3}, "expires_at": "yesterday"},
        {"key": "d", "record": {"n": 4}},
    ]
    status, answer = await world.api("POST", "/records/DEMO2", {"records": many})
    assert status == 200
    assert answer["kept"] == 2
    assert [one["index"] for one in answer["refused"]] == [1, 2, 3]
    _, page = await world.api("GET", "/records/DEMO2")
    assert [one["key"] for one in page["records"]] == ["a", "d"]


async def test_records_are_listed_page_by_page(world: World) -> None:
    many = [{"key": f"k{n}", "record": {}} for n in range(5)]
    await world.api("POST", "/records/DEMO2", {"records": many})
    await world.api("POST", "/records/DEMO", {"records": [{"key": "other", "record": {}}]})
    seen, after = [], ""
    while True:
        _, page = await world.api("GET", "/records/DEMO2", query=f"limit=2&after={after}")
        seen += [one["key"] for one in page["records"]]
        if not page.get("next"):
            break
        after = page["next"]
    assert seen == [f"k{n}" for n in range(5)]


async def test_a_removed_record_is_gone(world: World) -> None:
    await world.put("k1", {})
    assert (await world.api("DELETE", "/records/DEMO2/k1"))[0] == 200
    assert (await world.api("GET", "/records/DEMO2/k1"))[0] == 404
    assert (await world.api("DELETE", "/records/DEMO2/k1"))[0] == 404


async def test_an_expired_record_is_not_there_and_what_is_put_then_is_new(world: World) -> None:
    ends = iso(world.clock.now() + 60 * SECOND)
    await world.put("k1", {"n": 1}, expires_at=ends)
    _, first = await world.api("GET", "/records/DEMO2/k1")
    assert first["expires_at"] == ends
    world.clock.ahead = 61 * SECOND
    assert (await world.api("GET", "/records/DEMO2/k1"))[0] == 404
    assert (await world.api("GET", "/records/DEMO2"))[1]["records"] == []
    await world.put("k1", {"n": 2})
    _, second = await world.api("GET", "/records/DEMO2/k1")
    assert second["created_at"] > ends


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/records/DE-MO/k", {"record": {}}),
        ("/records/DEMO2/" + "k" * (KEY_LIMIT + 1), {"record": {}}),
        ("/records/DEMO2/ k", {"record": {}}),
        ("/records/DEMO2/k\x07", {"record": {}}),
        ("/records/DEMO2/k", {"record": {"n": "x" * SIZE_LIMIT}}),
        ("/records/DEMO2/k", {"record": []}),
        ("/records/DEMO2/k", {"record": {}, "expires_at": "2020-01-01T00:00:00Z"}),
        ("/records/DEMO2/k", {"record": {}, "expires_at": "2030-01-01T00:00:00"}),
    ],
)
async def test_what_cannot_be_kept_is_refused_with_a_reason(world: World, path: str, body: object) -> None:
    status, answer = await world.api("PUT", path, body)
    assert status == 400
    assert answer["message"]
    assert not await world.told("record.put")


def test_a_prefix_ends_at_the_first_hyphen() -> None:
    assert records.named("DEMO2-a-b") == Name("DEMO2", "a-b")
    assert records.named("DEMO2") is None
    assert records.named("-k") is None


def test_a_record_keyed_by_an_address_is_its_owners() -> None:
    """STD-7: so an export shows it and an erasure reaches it."""
    assert records.subject(Name("D", "Joe@X.example")) == "email:joe@x.example"
    assert records.subject(Name("D", "+15551234567")) == "phone:+15551234567"
    assert records.subject(Name("D", "42")) == "record:D-42"
