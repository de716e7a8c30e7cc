"""Who may call the Personalize API, how often, and what is said to those who may not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from live_world import NOW, Answer, World

from heliograph.accounts import keys, tokens
from heliograph.accounts.tokens import LIFETIME
from heliograph.clock import SECOND
from heliograph.database import open_state

FORM = "application/x-www-form-urlencoded"


def client(world: World) -> dict[str, str]:
    return {**world.keys["oauth"], "grant_type": "client_credentials"}


async def token(world: World) -> str:
    answer = await world.call("POST", "/oauth/token", client(world), key=None)
    assert answer.status == 200
    made: str = answer.json["access_token"]
    return made


def fault_of(answer: Answer) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/vnd.api+json"
    (fault,) = answer.json["errors"]
    assert fault["status"] == str(answer.status)
    found: dict[str, Any] = fault
    return found


async def test_client_credentials_give_a_token_for_two_hours(world: World) -> None:
    """PER-1"""
    answer = await world.call("POST", "/oauth/token", client(world), key=None)
    made = answer.json
    assert made.pop("access_token")
    assert made == {
        "token_type": "Bearer",
        "expires_in": 7200,
        "scope": "full",
        "created_at": NOW // SECOND,
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_token_can_be_asked_for_as_a_form_and_with_basic(world: World) -> None:
    """RFC 6749 section 2.3.1 and 4.4.2"""
    said = client(world)
    answer = await world.call("POST", "/oauth/token", urlencode(said).encode(), key=None, content_type=FORM)
    assert answer.status == 200
    pair = base64.b64encode(f"{said['client_id']}:{said['client_secret']}".encode()).decode()
    answer = await world.call(
        "POST",
        "/oauth/token",
        b"grant_type=client_credentials",
        key=None,
        content_type=FORM,
        authorization=f"Basic {pair}",
    )
    assert answer.status == 200 and answer.json["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"client_secret": "hoa_wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"client_id": "\u00e4\ud83d\ude00"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"scope": "half"}, 400, "invalid_scope"),
    ],
)
async def test_a_wrong_request_for_a_token_is_refused_as_oauth_says(
    world: World, change: dict[str, str], status: int, error: str
) -> None:
    """RFC 6749 section 5.2"""
    answer = await world.call("POST", "/oauth/token", {**client(world), **change}, key=None)
    assert (answer.status, answer.json["error"]) == (status, error) and answer.json["error_description"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b"[" * 10_000, b"x" * 20_000])
async def test_what_is_no_request_for_a_token_is_refused(world: World, body: bytes) -> None:
    answer = await world.call("POST", "/oauth/token", body, key=None)
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


async def test_ping_tells_about_the_token_and_the_application(world: World) -> None:
    """PER-1, wire-facts 5.1"""
    made = await token(world)
    await world.clock.advance(100)
    answer = await world.call("GET", "/v3/ping/authenticated", key=made)
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json == {
        "meta": {
            "ping": "pong",
            "accessToken": {"token": made, "expiresInSeconds": LIFETIME - 100, "scopes": ["full"]},
            "application": {"name": "first start", "uid": world.keys["oauth"]["client_id"]},
        }
    }


async def test_every_worker_knows_every_token_also_after_a_restart(worlds: Callable[..., World]) -> None:
    """PER-1: tokens are signed, not stored."""
    made = await token(worlds())
    assert (await worlds().call("GET", "templates", key=made)).status == 200


@pytest.mark.parametrize("key", [None, "", "hat_AAAA", "hat_\u00e9", "nonsense", "hat_" + "A" * 200])
async def test_without_a_token_of_ours_nothing_is_answered(world: World, key: str | None) -> None:
    """PER-1"""
    for method, path in (("GET", "templates"), ("POST", "timers/publish"), ("GET", "/v3/ping/authenticated")):
        answer = await world.call(method, path, key=key)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Bearer")
        assert fault_of(answer)["code"] == "unauthorized"


async def test_a_token_ends_after_two_hours(world: World) -> None:
    """PER-1"""
    made = await token(world)
    await world.clock.advance(LIFETIME - 1)
    assert (await world.call("GET", "templates", key=made)).status == 200
    await world.clock.advance(1)
    answer = await world.call("GET", "templates", key=made)
    assert answer.status == 401 and "ended" in fault_of(answer)["detail"]


async def test_an_altered_token_is_refused_wherever_it_was_altered(world: World) -> None:
    made = await token(world)
    said = tokens.read(world.directory.master, made)
    for place in range(len(tokens.PREFIX), len(made) - 1):  # of the last character not every bit is used
        other = made[:place] + ("A" if made[place] != "A" else "B") + made[place + 1 :]
        with pytest.raises(tokens.ForgedToken):
            tokens.read(world.directory.master, other)
    assert said.client == world.keys["oauth"]["client_id"]


async def test_a_token_opens_nothing_once_its_client_is_revoked(world: World) -> None:
    made = await token(world)
    key = world.directory.key("oauth", world.keys["oauth"]["client_id"])
    assert key is not None
    writing = open_state(world.data)
    with writing.begin() as connection:
        keys.revoke_key(connection, key.id, NOW)
    world.directory.reload(writing)
    writing.dispose()
    assert (await world.call("GET", "templates", key=made)).status == 401


async def test_a_plain_api_key_opens_the_api_in_either_header(world: World) -> None:
    assert (await world.call("GET", "templates")).status == 200
    assert (await world.call("GET", "templates", key=None, x_api_key=world.keys["api_key"])).status == 200
    answer = await world.call("GET", "/v3/ping/authenticated")
    assert answer.json["meta"]["accessToken"]["expiresInSeconds"] is None
    assert world.keys["api_key"] not in answer.body.decode(), "a key that lasts is not repeated"


async def test_a_key_for_events_opens_no_pictures(world: World) -> None:
    assert (await world.call("GET", "templates", key=world.keys["store_key"])).status == 401


async def test_the_allowance_is_told_and_kept(worlds: Callable[..., World]) -> None:
    """PER-1: 300 in 15 minutes by default, here 3; one allowance for all workers."""
    one, other = worlds(image_api_requests=3), worlds(image_api_requests=3)
    left = []
    for world in (one, other, one):
        answer = await world.call("GET", "templates")
        left.append(int(answer.headers["x-ratelimit-remaining"]))
        assert answer.headers["x-ratelimit-limit"] == "3"
        assert int(answer.headers["x-ratelimit-reset"]) == NOW // SECOND + 900
    assert left == [2, 1, 0]
    refused = await other.call("GET", "templates/none")
    assert refused.status == 429 and refused.headers["retry-after"] == "900"
    assert (
        refused.headers["x-ratelimit-remaining"] == "0" and fault_of(refused)["code"] == "too_many_requests"
    )
    await one.clock.advance(900)
    assert (await one.call("GET", "templates")).headers["x-ratelimit-remaining"] == "2"


async def test_errors_tell_the_allowance_too(world: World) -> None:
    answer = await world.call("GET", "templates/none")
    assert answer.status == 404 and answer.headers["x-ratelimit-remaining"] == "299"


@pytest.mark.parametrize(
    "content_type", ["text/plain", FORM, "application/vnd.api+json; charset=utf-8", "image/png"]
)
async def test_a_body_of_another_type_is_415(world: World, content_type: str) -> None:
    """PER-3; JSON:API 1.1: its own type with a parameter that it does not have."""
    answer = await world.call("POST", "timers/preview", b"{}", content_type=content_type)
    assert answer.status == 415 and fault_of(answer)["source"] == {"header": "Content-Type"}


@pytest.mark.parametrize(
    ("accept", "status", "content_type"),
    [
        ("", 200, "application/vnd.api+json"),
        ("*/*", 200, "application/vnd.api+json"),
        ("text/html, application/*;q=0.8", 200, "application/vnd.api+json"),
        ("application/vnd.api+json", 200, "application/vnd.api+json"),
        ("application/json", 200, "application/json; charset=utf-8"),
        ("application/json; charset=utf-8", 200, "application/json; charset=utf-8"),
        ("application/vnd.api+json; charset=utf-8", 406, "application/vnd.api+json"),
        ("application/vnd.api+json; a=1, application/vnd.api+json", 200, "application/vnd.api+json"),
        ("text/xml", 406, "application/vnd.api+json"),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(
    world: World, accept: str, status: int, content_type: str
) -> None:
    """PER-3, JSON:API 1.1"""
    answer = await world.call("GET", "templates", accept=accept)
    assert (answer.status, answer.headers["content-type"]) == (status, content_type)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v3/none", 404),
        ("GET", "hats", 404),
        ("POST", "hats/publish", 404),
        ("DELETE", "templates", 405),
        ("PATCH", "timers/0123456789abcdefghijklmno", 405),
        ("GET", "timers/0123456789abcdefghijklmno", 404),
        ("GET", "timers/" + "x" * 300, 404),
        ("GET", "previews/none.png", 404),
        ("GET", "timers?page[size]=0", 400),
        ("GET", "timers?page[after]=none", 400),
    ],
)
async def test_what_does_not_exist_is_said_in_json_api(
    world: World, method: str, path: str, status: int
) -> None:
    """PER-3"""
    answer = await world.call(method, path)
    assert answer.status == status and fault_of(answer)["detail"]


async def test_the_versioned_prefix_answers_the_same(world: World) -> None:
    answer = await world.call("GET", "/api/v3/personalize/templates")
    assert answer.body == (await world.call("GET", "templates")).body
    assert json.loads(answer.body)["data"]
