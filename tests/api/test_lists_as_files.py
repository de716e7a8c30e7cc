"""Lists of the API: one way of turning pages, and the whole as a file of CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
import pytest
from api_world import Answer, World
from openapi_spec_validator import validate

from heliograph.api.openapi import describe
from heliograph.api.resources import RESOURCES, people
from heliograph.events.messages import MessageRequested

CALLS = [call for resource in RESOURCES for call in resource.calls]
PAGED = [call for call in CALLS if call.query and "limit" in call.query.__struct_fields__]


def rows(answer: Answer) -> list[dict[str, str]]:
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.raw.decode())))


def test_the_description_is_valid_as_an_independent_validator_sees_it() -> None:
    validate(describe(RESOURCES, "/api/v1"))


@pytest.mark.parametrize("call", PAGED, ids=lambda call: call.name)
def test_every_list_is_turned_the_same_way(call: Any) -> None:
    """`limit`, and `after`: the `next` of the page before."""
    assert "after" in call.query.__struct_fields__ and "before" not in call.query.__struct_fields__
    assert {"next"} <= {field.encode_name for field in msgspec.structs.fields(call.answer)}


async def test_a_list_is_a_file_for_who_asks_for_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAGE", 2)
    for number in range(5):
        await world.customer(id=number + 1, first_name="=1+2" if number else "Änne", tags=["vip", "new"])
    for asked in ({"headers": {"accept": "text/csv"}}, {"format": "csv"}):
        found = rows(await world.ask("GET", "/api/v1/people", limit=1, **asked))
        assert [row["customer_id"] for row in found] == ["1", "2", "3", "4", "5"]
        assert found[0]["first_name"] == "Änne" and found[0]["tags"] == '["vip","new"]'
        assert found[1]["first_name"] == "'=1+2", "no spreadsheet computes it"
        assert found[0]["email"] == "" and found[0]["deleted"] == "false"
    named = (await world.ask("GET", "/api/v1/people", format="csv")).headers["content-disposition"]
    assert named == 'attachment; filename="people.csv"'
    assert rows(await world.ask("GET", "/api/v1/people", customer_id="3", format="csv"))[0]["id"]


async def test_json_is_what_everybody_else_gets(world: World) -> None:
    for headers in ({}, {"accept": "*/*"}, {"accept": "application/json"}):
        answer = await world.ask("GET", "/api/v1/people", headers=headers)
        assert answer.headers["content-type"].startswith("application/json")
    answer = await world.ask("GET", "/api/v1/people", headers={"accept": "text/csv"}, format="json")
    assert answer.json == {"people": [], "next": None}
    answer = await world.ask("GET", "/api/v1/people", format="xml")
    assert (answer.status, answer.json["field"]) == (400, "format")
    answer = await world.ask("GET", "/api/v1/templates", format="csv")
    assert (answer.status, answer.json["field"]) == (400, "format"), "no list that can be had as a file"


async def test_messages_are_a_file_too_of_those_alone_that_were_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heliograph.api.resources.messages.PAGE", 1)
    for address, template in (("a@x.example", "one"), ("b@x.example", "two"), ("c@x.example", "two")):
        await world.happen(MessageRequested(address=address, template=template))
    found = rows(await world.ask("GET", "/api/v1/messages", format="csv", template="two"))
    assert [row["address"] for row in found] == ["c@x.example", "b@x.example"]
