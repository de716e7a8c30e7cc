"""What holds for every call of the API: keys, errors with every fault, and the description that is kept."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from api_world import World

from heliograph.api.openapi import describe
from heliograph.api.reading import from_body, from_query
from heliograph.api.resources import RESOURCES
from heliograph.errors import BadRequest, UnsupportedMedia

CALLS = [call for resource in RESOURCES for call in resource.calls]


def path_of(call: Any) -> str:
    return "/api/v1" + re.sub(r"{\w+}", "x", call.path)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_nothing_is_told_or_done_without_a_key_of_the_api(world: World, call: Any) -> None:
    for key in (None, "hak_wrong", world.store_key, "schlüssel"):
        answer = await world.ask(call.method, path_of(call), key=key)
        assert answer.status == 401, key
        assert answer.json["code"] == "unauthorized"
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await world.journal.head() == 0


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
async def test_every_answer_says_that_no_cache_may_keep_it(world: World, call: Any) -> None:
    answer = await world.ask(call.method, path_of(call))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")


async def test_a_key_may_be_sent_as_a_bearer_token(world: World) -> None:
    answer = await world.ask(
        "GET", "/api/v1/people", key=None, headers={"authorization": f"bearer {world.key}"}
    )
    assert (answer.status, answer.json["people"]) == (200, [])


async def test_a_method_that_a_path_does_not_have_is_refused_with_those_it_has(world: World) -> None:
    answer = await world.ask("DELETE", "/api/v1/people")
    assert answer.status == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_a_slash_too_many_is_a_path_that_is_not_there_and_leads_nowhere_else(world: World) -> None:
    answer = await world.ask("GET", "/api/v1/people/")
    assert answer.status == 404 and "location" not in answer.headers


async def test_every_fault_is_named_at_once(world: World) -> None:
    answer = await world.ask("GET", "/api/v1/people", limit="many", after="a", nonsense="1")
    assert answer.status == 400
    assert {error["field"] for error in answer.json["errors"]} == {"limit", "nonsense"}
    ann = await world.customer(id=7, email="ann@x.example")
    body = {"allowed": "perhaps", "sauce": "x", "ip": 7}
    answer = await world.ask("PUT", f"/api/v1/people/{ann.id}/tracking", body)
    assert answer.status == 400
    assert {error["field"] for error in answer.json["errors"]} == {"allowed", "sauce", "ip"}
    assert answer.json["message"].startswith(answer.json["field"])


class Item(msgspec.Struct):
    price: float


class Body(msgspec.Struct):
    name: str
    items: list[Item] = []
    many: int = 1


def test_a_fault_deep_in_a_body_is_named_by_its_path() -> None:
    with pytest.raises(BadRequest) as refused:
        from_body(b'{"items": [{"price": 1}, {"price": "dear"}]}', "application/json", Body)
    assert [fault.field for fault in refused.value.faults] == ["name", "items[1].price"]
    assert "at `$" not in refused.value.faults[1].reason


@pytest.mark.parametrize("body", [b"{", b"[]", b"7", b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        from_body(body, "application/json", Body)


@pytest.mark.parametrize("number", [2**63, -(2**70)])
async def test_a_number_that_no_database_holds_is_the_callers_fault(world: World, number: int) -> None:
    answer = await world.ask("GET", "/api/v1/templates/x", version=number)
    assert (answer.status, answer.json["field"]) == (400, "version")
    with pytest.raises(BadRequest):
        from_body(b'{"name": "x", "many": %d}' % number, "application/json", Body)


def test_a_body_says_that_it_is_json() -> None:
    assert from_body(b'{"name":"x"}', "application/json; charset=utf-8", Body).name == "x"
    with pytest.raises(UnsupportedMedia):
        from_body(b"name=x", "application/x-www-form-urlencoded", Body)


def test_a_query_says_each_thing_once() -> None:
    assert from_query("name=x&many=3", Body).many == 3
    with pytest.raises(BadRequest, match="more than once"):
        from_query("name=x&name=y", Body)
    with pytest.raises(BadRequest, match="more than 100"):
        from_query("&".join(f"a{number}=1" for number in range(101)), Body)


async def test_the_description_is_served_and_names_every_call(world: World) -> None:
    answer = await world.ask("GET", "/api/openapi.json", key=None)
    assert answer.status == 200
    told = answer.json
    assert told == describe(RESOURCES, "/api/v1")
    described = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert described == {(call.method, "/api/v1" + call.path) for call in CALLS}
    assert len({call.name for call in CALLS}) == len(CALLS)


def test_every_reference_of_the_description_leads_somewhere() -> None:
    told = describe(RESOURCES, "/api/v1")
    referred = set(re.findall(r"#/components/schemas/([\w.]+)", msgspec.json.encode(told).decode()))
    assert not [name for name in referred if "." in name], "two structs of one name: give each its own"
    assert referred <= told["components"]["schemas"].keys()
    assert all("description" in schema for schema in told["components"]["schemas"].values())
