"""Settings: parsed once, from three places in order of strength, loud when wrong."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from heliograph.errors import OperatorError
from heliograph.settings import Settings, from_environment, load, public_url, shown, to_environment


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text('workers = 2\nlisten = "127.0.0.1:1"\nsmtp_relay = "smtp://a:25"\n')
    environ = {"HELIOGRAPH_WORKERS": "3", "HELIOGRAPH_LISTEN": "127.0.0.1:2", "OTHER": "x"}
    settings = load({"workers": 4, "listen": None}, environ=environ, file=file)
    assert (settings.workers, settings.listen, settings.smtp_relay) == (4, "127.0.0.1:2", "smtp://a:25")


def test_lists_are_written_with_commas_in_the_environment() -> None:
    settings = load(environ={"HELIOGRAPH_TRUSTED_PROXIES": "10.0.0.0/8, ::1/128"})
    assert settings.trusted_proxies == ("10.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("environ", "word"),
    [
        ({"HELIOGRAPH_WORKERS": "0"}, "workers"),
        ({"HELIOGRAPH_WORKERS": "many"}, "workers"),
        ({"HELIOGRAPH_LOG_LEVEL": "loud"}, "log_level"),
        ({"HELIOGRAPH_WROKERS": "2"}, "wrokers"),
        ({"HELIOGRAPH_CONFIG": "/nowhere/h.toml"}, "/nowhere/h.toml"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(environ: dict[str, str], word: str) -> None:
    with pytest.raises(OperatorError, match=word):
        load(environ=environ)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "h.toml"
    file.write_text("workers = = 2")
    with pytest.raises(OperatorError, match=r"h\.toml"):
        load(environ={}, file=file)


def test_secrets_are_never_shown() -> None:
    values = shown(load({"smtp_password": "hunter2"}, environ={}))
    assert values["smtp_password"] == "********" and "hunter2" not in str(values)


def test_children_are_handed_the_same_settings() -> None:
    settings = load({"workers": 5, "egress_allow": ("127.0.0.0/8",)}, environ={})
    assert from_environment(to_environment(settings)) == settings


def test_every_setting_says_what_it_is() -> None:
    schema = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    assert all(len(value.get("description", "")) > 15 for value in schema.values())


def test_urls_begin_with_the_base_url_or_the_address() -> None:
    assert public_url(load({"base_url": "https://m.example/"}, environ={})) == "https://m.example"
    assert public_url(load({"listen": "127.0.0.1:9"}, environ={})) == "http://127.0.0.1:9"
