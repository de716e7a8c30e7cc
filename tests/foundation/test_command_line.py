"""The `heliograph` command as a whole: what it lists, and that it loads no more than it is asked for."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heliograph.app.serve import prepare
from heliograph.cli.main import COMMANDS, loaded
from heliograph.cli.options import err, existing, for_operators, out, table
from heliograph.errors import OperatorError, Unavailable
from heliograph.settings import load


def heliograph(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "heliograph", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


def refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heliograph", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def all_loaded_by(program: str) -> set[str]:
    """The modules that a process has which runs this."""
    command = [sys.executable, "-c", f"{program}; import sys; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    described = loaded(name).help.split("\n\n")[0].replace("\n", " ")
    assert described == COMMANDS[name].help


def test_help_lists_every_command_and_each_has_help_of_its_own() -> None:
    listed = heliograph("--help")
    for name in COMMANDS:
        assert f"\n  {name} " in listed
    assert "list" in heliograph("keys", "--help") and "--workers" in heliograph("serve", "--help")


def commands(group: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command below a group, by its path."""
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)
    if not hasattr(group, "commands"):
        yield " ".join(path), group


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_argument_and_option_says_what_it_is(name: str) -> None:
    for path, command in commands(loaded(name), name):
        assert command.help, path
        silent = [one.name for one in command.params if one.name != "help" and not one.help]
        assert not silent, f"{path}: {silent}"


def test_a_command_waits_for_nothing_that_only_others_need() -> None:
    modules = all_loaded_by("from heliograph.cli.main import loaded; loaded('version')")
    assert "heliograph.cli.version" in modules
    assert not modules & {
        "liquid",
        "aiohttp",
        "PIL",
        "alembic",
        "heliograph.outbound.feeds",
        "heliograph.demo",
    }


def test_the_supervisor_keeps_nothing_that_only_a_start_or_a_part_needs() -> None:
    modules = all_loaded_by("import heliograph.app.supervising")
    assert "heliograph.supervisor" in modules
    assert not modules & {"sqlalchemy", "apsw", "alembic", "typer", "granian", "liquid", "cryptography"}


def test_an_unknown_command_is_an_error_of_the_caller_and_says_what_was_meant() -> None:
    done = refused("feed", "list")
    assert done.returncode == 2 and "No such command 'feed': perhaps feeds is meant." in done.stderr
    assert "No such command 'quux'.\n" in refused("quux").stderr


def test_the_version_is_told_in_the_usual_way_too() -> None:
    assert heliograph("--version") == heliograph("version")


def test_the_demo_does_not_begin_in_data_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "state.db").touch()
    done = refused("demo", "--exit", "--data", str(tmp_path))
    assert done.returncode == 2
    assert f"there are data in {tmp_path} already" in done.stderr


def test_an_address_that_is_taken_or_wrong_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        for command in (("serve", "--data", str(tmp_path)), ("demo",)):
            done = refused(*command, "--listen", taken)
            assert done.returncode == 1
            assert f"listen: {taken}: Address already in use" in done.stderr
    done = refused("serve", "--data", str(tmp_path), "--listen", "192.0.2.1:8025")
    assert done.returncode == 2 and "listen: 192.0.2.1:8025: Cannot assign" in done.stderr
    assert refused("demo", "--listen", "8025").returncode == 2


def test_where_there_is_nothing_commands_say_so(tmp_path: Path) -> None:
    prepare(load({"data": str(tmp_path)}, environ={}))
    for command, said in (
        (("suppressions", "show", "ann@x.example"), "Nothing is held against ann@x.example."),
        (("parked", "retry", "act", "dispatch"), "Nothing of act dispatch is parked;"),
        (("parked", "drop", "act", "dispatch", "3"), "Nothing of act dispatch is parked at 3;"),
    ):
        assert said in heliograph(*command, "--data", str(tmp_path))
    assert "Nobody serves these data now." in heliograph("check", "--data", str(tmp_path))


def test_a_mistake_is_one_line_that_says_what_would_be_right(tmp_path: Path) -> None:
    prepare(load({"data": str(tmp_path)}, environ={}))
    for command, said in (
        (("suppressions", "add", "jane"), "jane is neither an e-mail address nor a number"),
        (("dkim", "check"), "`heliograph dkim add DOMAIN` makes some"),
        (
            ("accounts", "set", "timezone=UTC"),
            "an account has no setting timezone: perhaps time_zone is meant",
        ),
        (("accounts", "set", "ip=maybe"), "`$.ip`: choose full, truncate, drop"),
        (
            ("templates", "save", "x", "--html", "no.html"),
            "no.html cannot be read: No such file or directory",
        ),
        (("automations", "apply", "no.yaml"), "no.yaml cannot be read: No such file or directory"),
        (("import", "no.csv"), "no.csv cannot be read: No such file or directory"),
        (("tail", "--kind", "cart.create"), "perhaps cart.created is meant"),
        (("feeds", "add", "x", "https://x.example", "--option", "topic=[]"), "perhaps topics is meant"),
        (("feeds", "add", "x", "https://x.example", "--kind", "email.sent"), "perhaps message.sent is meant"),
    ):
        done = refused(*command, "--data", str(tmp_path))
        assert done.returncode == 2, command
        assert said in done.stderr
        assert done.stderr.startswith("heliograph: ") and done.stderr.count("\n") == 1


def test_what_others_wrote_is_shown_as_they_wrote_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = "[mx.example.com] refused: :100: [/b]"
    rows = table("why")
    rows.add_row(said)
    out.print(rows)
    err.print(said)
    told = capsys.readouterr()
    assert said in told.out and said in told.err


def test_data_of_another_user_are_told_of_before_anything_is_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = load({"data": str(tmp_path)}, environ={})
    prepare(settings)
    for place in (tmp_path, tmp_path / "state.db"):
        monkeypatch.setattr(os, "access", lambda path, *_, place=place, **__: path != place)
        for begin in (lambda: existing(str(tmp_path)), lambda: prepare(settings)):
            with pytest.raises(
                OperatorError, match=f"{place} belongs to .*, and .* may not read and write it"
            ):
                begin()


def test_what_cannot_be_done_now_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    def refused_now() -> None:
        raise Unavailable("the journal cannot be read: it is locked")

    with pytest.raises(SystemExit) as ended:
        for_operators(refused_now)()
    assert ended.value.code == 1
    assert capsys.readouterr().err == "heliograph: the journal cannot be read: it is locked\n"
