"""Accounts and keys: made by us, shown once, stored as fingerprints, revoked at once."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from heliograph.accounts import keys
from heliograph.accounts.directory import LOOKS, load_directory
from heliograph.database import METADATA, memory_state, open_state
from heliograph.errors import OperatorError

NOW = 1_700_000_000_000_000


@pytest.fixture
def engine() -> Engine:
    return memory_state()


def test_the_first_start_makes_an_account_and_hands_out_its_secrets_once(
    engine: Engine, tmp_path: Path
) -> None:
    made = keys.first_start(engine, tmp_path, "http://127.0.0.1:8025", NOW)
    assert made is not None
    file = tmp_path / "credentials.json"
    assert json.loads(file.read_text()) == made
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(made) == [
        "base_url", "account", "store_id", "store_key", "api_key", "oauth", "aws", "webhook_secret",
    ]  # fmt: skip
    assert list(made["oauth"]) == ["client_id", "client_secret"]
    assert list(made["aws"]) == ["access_key_id", "secret_access_key", "region"]
    assert re.fullmatch(r"[1-9]\d{11}", made["account"])
    assert keys.first_start(engine, tmp_path, "http://127.0.0.1:8025", NOW) is None


def test_two_first_starts_share_no_secret(tmp_path: Path) -> None:
    made: list[dict[str, Any]] = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        made.append(keys.first_start(memory_state(), tmp_path / name, "http://x", NOW) or {})
    secrets = [
        {
            one["account"],
            one["store_id"],
            one["store_key"],
            one["api_key"],
            one["webhook_secret"],
            *one["oauth"].values(),
            one["aws"]["secret_access_key"],
        }
        for one in made
    ]
    assert len(secrets[0]) == 8 and not secrets[0] & secrets[1]


def test_only_what_we_compute_with_is_stored_as_it_is(tmp_path: Path) -> None:
    engine = open_state(tmp_path)
    METADATA.create_all(engine)
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("state.db*"))
    for hidden in (made["store_key"], made["api_key"], made["oauth"]["client_secret"]):
        assert hidden.encode() not in stored
    assert made["webhook_secret"].encode() in stored and made["aws"]["secret_access_key"].encode() in stored


def test_a_key_opens_its_own_account_until_it_is_revoked(engine: Engine, tmp_path: Path) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    directory = load_directory(engine)
    key = directory.token(made["store_key"])
    assert key is not None and key.account == made["account"] and key.kind == "store"
    assert directory.token(made["store_key"] + "x") is None
    assert not directory.reload(engine)
    with engine.begin() as connection:
        keys.revoke_key(connection, key.id, NOW + 1)
    assert directory.reload(engine) and directory.token(made["store_key"]) is None
    with engine.begin() as connection, pytest.raises(OperatorError, match="no live key"):
        keys.revoke_key(connection, key.id, NOW + 2)


def test_an_added_key_is_known_after_a_reload(engine: Engine, tmp_path: Path) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    directory = load_directory(engine)
    with engine.begin() as connection:
        key, secret = keys.add_key(connection, made["account"], "api", NOW, label="till")
    directory.reload(engine)
    assert directory.token(secret) == key
    with engine.begin() as connection, pytest.raises(OperatorError, match="no account"):
        keys.add_key(connection, "1", "api", NOW)


def test_a_key_made_a_moment_ago_opens_without_a_reload_and_guessers_cost_few_queries(
    engine: Engine, tmp_path: Path
) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    directory = load_directory(engine)
    directory.reload(engine)
    with engine.begin() as connection:
        api, secret = keys.add_key(connection, made["account"], "api", NOW)
    assert directory.token(secret) == api
    with engine.begin() as connection:
        aws, _ = keys.add_key(connection, made["account"], "aws", NOW)
    assert aws.public and directory.key("aws", aws.public) == aws
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    for number in range(1000):
        assert directory.token(f"guess-{number}") is None and directory.store(f"{number}") is None
    assert 0 < len(asked) <= LOOKS


def test_every_kind_of_secret_is_found_by_its_public_part(engine: Engine, tmp_path: Path) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    directory = load_directory(engine)
    oauth = directory.key("oauth", made["oauth"]["client_id"])
    assert oauth and directory.secret_matches(oauth, made["oauth"]["client_secret"])
    assert not directory.secret_matches(oauth, "wrong")
    aws = directory.key("aws", made["aws"]["access_key_id"])
    assert aws and aws.secret == made["aws"]["secret_access_key"]
    assert directory.keys(made["account"], "webhook")[0].secret == made["webhook_secret"]
    store = directory.store(made["store_id"])
    assert store is not None and store == directory.account(made["account"])


def test_a_policy_changes_by_name_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    directory = load_directory(engine)
    with engine.begin() as connection:
        keys.set_policy(
            connection, made["account"], {"ip": "truncate", "browser_origins": ["https://s.example"]}
        )
        with pytest.raises(OperatorError, match="no setting colour"):
            keys.set_policy(connection, made["account"], {"colour": "red"})
        with pytest.raises(OperatorError, match="ip"):
            keys.set_policy(connection, made["account"], {"ip": "some"})
    directory.reload(engine)
    account = directory.account(made["account"])
    assert (
        account
        and account.policy.ip == "truncate"
        and account.policy.browser_origins == ("https://s.example",)
    )


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("time_zone", "Europe/Berlin", "Mars/Olympus"),
        ("time_zone", "UTC", "../UTC"),
        ("country", "de", "Germany"),
        ("sms_countries", ["US", "?"], ["US", "France"]),
        ("from_address", "shop@münchen.example", "shop.example.com"),
        ("admin_email", "", "Ann <ann@shop.example>"),
        ("browser_origins", ["https://shop.example", "http://localhost:8080"], ["shop.example"]),
        ("browser_origins", ["https://shop.example/"], ["https://shop.example/cart"]),
        ("receipt_networks", ["192.0.2.0/24", "2001:db8::1"], ["192.0.2.0/33"]),
    ],
)
def test_a_setting_that_could_not_work_is_refused_by_name(
    engine: Engine, tmp_path: Path, name: str, right: object, wrong: object
) -> None:
    made = keys.first_start(engine, tmp_path, "http://x", NOW)
    assert made is not None
    with engine.begin() as connection:
        keys.set_policy(connection, made["account"], {name: right})
        with pytest.raises(OperatorError, match=f"{name}: .* is no "):
            keys.set_policy(connection, made["account"], {name: wrong})
