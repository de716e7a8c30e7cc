"""`GET /v5/engage/context` and the login for it (wire-facts 4.1). MG-7"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime

import pytest
from record_world import World

from heliograph.accounts import keys, tokens
from heliograph.clock import SECOND
from heliograph.events.jobs import RecordHit, RecordMissed


async def looked(world: World) -> list[tuple[str, str]]:
    events = await world.told("record.hit", "record.missed")
    return [(event.kind, event.data.record_id) for event in events]  # type: ignore[attr-defined]


async def test_one_key_is_answered_with_its_record_and_is_one_hit(world: World) -> None:
    """MG-7"""
    await world.put("k1", {"tier": "gold"})
    reply = await world.look_up("data=DEMO2-k1")
    assert (reply.status, json.loads(reply.body)) == (200, {"tier": "gold"})
    (event,) = await world.told("record.hit", "record.missed")
    assert isinstance(event.data, RecordHit)
    assert (event.data.prefix, event.data.record_id, event.data.ip) == ("DEMO2", "DEMO2-k1", "203.0.113.77")
    assert event.data.size == len('{"tier":"gold"}')
    _, kept = await world.api("GET", "/records/DEMO2/k1")
    assert event.data.created_at == event.data.updated_at
    assert kept["size"] == event.data.size


async def test_n_keys_are_n_events_each_a_hit_or_a_miss(world: World) -> None:
    """MG-7; a key that is named twice is one look-up."""
    await world.put("k1", {"n": 1})
    await world.put("k-2", {"n": 2})
    reply = await world.look_up("data=DEMO2-k1&data=DEMO2-none&data=DEMO2-k-2,DEMO2-k1")
    assert json.loads(reply.body) == {"DEMO2-k1": {"n": 1}, "DEMO2-none": None, "DEMO2-k-2": {"n": 2}}
    assert await looked(world) == [
        ("record.hit", "DEMO2-k1"),
        ("record.missed", "DEMO2-none"),
        ("record.hit", "DEMO2-k-2"),
    ]


async def test_a_miss_is_404_and_tells_its_key_and_no_request(world: World) -> None:
    """MG-7"""
    assert (await world.look_up("data=DEMO2-none")).status == 404
    (event,) = await world.told("record.hit", "record.missed")
    assert isinstance(event.data, RecordMissed)
    assert event.data == RecordMissed(prefix="DEMO2", record_id="DEMO2-none", ip="203.0.113.77")


async def test_head_records_nothing(world: World) -> None:
    assert (await world.look_up("data=DEMO2-none", method="HEAD")).status == 404
    assert await looked(world) == []


@pytest.mark.parametrize("query", ["", "data=", "data=nohyphen", "data=-k", "data=D%20-k", "data=A-%00"])
async def test_what_names_no_record_is_refused_and_is_no_look_up(world: World, query: str) -> None:
    reply = await world.look_up(query)
    assert reply.status == 400
    assert await looked(world) == []


async def test_a_flood_of_keys_is_refused(world: World) -> None:
    assert (await world.look_up("&".join(f"data=D-{n}" for n in range(101)))).status == 400
    assert (await world.look_up("data=" + ",".join(f"D-{n}" for n in range(101)))).status == 400
    assert (await world.look_up("data=D-" + "x" * 70_000)).status == 400


async def test_the_login_gives_a_json_web_token_that_opens_the_records(world: World) -> None:
    """wire-facts 4.1: `{token, expirationDate}`; the token's form is RFC 7519, its signature HS256 (RFC 7518 3.2)."""
    await world.put("k1", {"n": 1})
    reply = await world.log_in(world.account, world.key)
    said = json.loads(reply.body)
    assert set(said) == {"token", "expirationDate"}
    header, claims, signature = said["token"].split(".")
    plain = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (header, claims)]
    assert plain[0]["alg"] == "HS256"
    assert plain[1]["sub"] == world.account
    ends = datetime.fromisoformat(said["expirationDate"])
    assert plain[1]["exp"] == ends.timestamp()
    key = world.directory.master.purpose("json-web-token").key
    made = hmac.new(key, f"{header}.{claims}".encode(), hashlib.sha256).digest()
    assert base64.urlsafe_b64decode(signature + "==") == made
    for sent in (said["token"], f"Bearer {said['token']}"):
        assert (await world.look_up("data=DEMO2-k1", token=sent)).status == 200


@pytest.mark.parametrize(
    ("username", "password"), [("", ""), ("{account}", "hak_wrong"), ("1" * 12, "{key}")]
)
async def test_a_wrong_login_is_401(world: World, username: str, password: str) -> None:
    known = {"account": world.account, "key": world.key}
    assert (await world.log_in(username.format(**known), password.format(**known))).status == 401


async def test_a_store_key_opens_no_records(world: World) -> None:
    assert (await world.log_in(world.account, world.store_key)).status == 401
    assert (await world.look_up("data=DEMO2-k1", token=world.store_key)).status == 401


async def test_a_token_that_ended_was_altered_or_whose_key_is_revoked_opens_nothing(world: World) -> None:
    token = json.loads((await world.log_in(world.account, world.key)).body)["token"]
    header, claims, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT","kid":"1"}').rstrip(b"=").decode()
    later = json.loads(base64.urlsafe_b64decode(claims + "=="))
    later["exp"] += 10_000
    longer = base64.urlsafe_b64encode(json.dumps(later).encode()).rstrip(b"=").decode()
    for forged in (
        f"{none}.{claims}.",
        f"{none}.{claims}.{signature}",
        f"{header}.{longer}.{signature}",
        f"{header}.{claims}",
        "a.b.c",
        "..",
        "",
        "\xff.\xff.\xff",
    ):
        assert (await world.look_up("data=DEMO2-k1", token=forged)).status == 401
    world.clock.ahead = (tokens.LIFETIME + 1) * SECOND
    assert (await world.look_up("data=DEMO2-k1", token=token)).status == 401
    world.clock.ahead = 0
    assert (await world.look_up("data=DEMO2-k1", token=token)).status == 404
    with world.state.begin() as connection:
        for key in keys.list_keys(connection, world.account):
            if key.kind == "api":
                keys.revoke_key(connection, key.id, world.clock.now())
    world.directory.reload(world.reading)
    assert (await world.look_up("data=DEMO2-k1", token=token)).status == 401


async def test_another_accounts_records_are_not_there(world: World) -> None:
    await world.put("k1", {"n": 1})
    with world.state.begin() as connection:
        other = keys.add_account(connection, "Other", world.clock.now()).number
        _, secret = keys.add_key(connection, other, "api", world.clock.now())
    world.directory.reload(world.reading)
    assert (await world.look_up("data=DEMO2-k1", token=secret)).status == 404
