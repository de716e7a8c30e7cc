"""Who may call, what a wrong call is answered, and the schema. MG-10"""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest
from lxml import etree
from service_world import NOW, World

from heliograph.accounts import keys
from heliograph.webservice.actions import ACTIONS


@pytest.mark.parametrize(
    "wrong",
    [
        {"ApiKey": "hak_wrong"},
        {"ApiKey": ""},
        {"AccountId": ""},
        {"AccountId": "999999999999"},
        {"AccountId": "x' OR 1=1"},
        {"ApiKey": "\u00fc"},
    ],
)
async def test_wrong_credentials_are_answered_200_with_a_failed_result(
    world: World, wrong: dict[str, str]
) -> None:
    """MG-10"""
    answer = await world.call("AccountSummary", ActivityDate="2026-01-01", **wrong)
    assert answer.status == 200
    assert answer.text("Result") == "REQUEST_FAILED"
    assert answer.text("RequestErrors/RequestError/ErrorCode") == "Authentication Error"


async def test_a_store_key_opens_nothing(world: World) -> None:
    answer = await world.call("AccountSummary", ActivityDate="2026-01-01", ApiKey=world.store_key)
    assert answer.error


async def test_the_schema_can_be_fetched_by_anybody(world: World) -> None:
    """MG-10: in the vendor's namespace, qualified (wire-facts 4.1)."""
    for answer in (await world.post(b"Action=XSD"), await world.ask("GET", b"Action=XSD", b"")):
        assert answer.status == 200
        root = etree.fromstring(answer.raw)
        assert root.get("targetNamespace") == "http://messagegears.com/3.1/webService"
        assert root.get("elementFormDefault") == "qualified"
        etree.XMLSchema(root)


@pytest.mark.parametrize("said", ["", "Nothing", "accountactivity", "<script>", "A" * 1000, "\x00"])
async def test_an_unknown_action_fails_and_says_which_there_are(world: World, said: str) -> None:
    answer = await world.call(said)
    assert answer.error
    assert "AccountActivity" in answer.error
    assert "<script>" not in answer.error


async def test_every_answer_has_a_request_id_of_the_vendors_form(world: World) -> None:
    """MG-5: t, day of the year, year."""
    answer = await world.call("Nothing")
    assert re.fullmatch(r"t00126-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", answer.text("RequestId") or "")


async def test_get_asks_for_what_changes_nothing_only(world: World) -> None:
    said = {"AccountId": world.account, "ApiKey": world.key, "ActivityDate": "2026-01-01"}
    read = await world.ask("GET", urlencode({"Action": "AccountSummary", **said}).encode(), b"")
    assert read.error is None
    for action in (one.name for one in ACTIONS if not one.reads):
        answer = await world.ask("GET", urlencode({"Action": action, **said}).encode(), b"")
        assert "POST" in (answer.error or "")
    assert not await world.told("message.requested", "job.submitted")


@pytest.mark.parametrize("action", ["CreateAccount", "UpdateAccount", "ForwardToAFriend", "Thumbnail"])
async def test_what_is_not_done_here_says_so(world: World, action: str) -> None:
    answer = await world.call(action)
    assert answer.text("RequestErrors/RequestError/ErrorCode") == "Not Supported"


async def test_a_flood_of_fields_is_refused(world: World) -> None:
    answer = await world.post(b"&".join(b"f%d=1" % number for number in range(10_000)))
    assert answer.error


async def test_no_bytes_break_the_door(world: World) -> None:
    for body in (b"\xff\xfe%zz&=&&Action", b"%", b"Action=%ff", b"\x00" * 100):
        assert (await world.post(body)).error


async def test_an_account_is_not_opened_by_another_accounts_key(world: World) -> None:
    with world.state.begin() as connection:
        other = keys.add_account(connection, "Other", NOW).number
        _, secret = keys.add_key(connection, other, "api", NOW)
    world.directory.reload(world.reading)
    assert (await world.call("AccountSummary", ActivityDate="2026-01-01", ApiKey=secret)).error
    said = {"ActivityDate": "2026-01-01", "AccountId": other, "ApiKey": secret}
    assert (await world.call("AccountSummary", **said)).error is None
