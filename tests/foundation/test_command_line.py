"""The `heliograph` command as a whole: what it lists, and that it loads no more than it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from heliograph.cli.main import COMMANDS, loaded


def heliograph(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "heliograph", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    described = loaded(name).help.split("\n\n")[0].replace("\n", " ")
    assert described == COMMANDS[name].help


def test_help_lists_every_command_and_each_has_help_of_its_own() -> None:
    listed = heliograph("--help")
    for name in COMMANDS:
        assert f"\n  {name} " in listed
    assert "list" in heliograph("keys", "--help") and "--workers" in heliograph("serve", "--help")


def test_a_command_waits_for_nothing_that_only_others_need() -> None:
    program = "import sys; from heliograph.cli.main import loaded; loaded('version'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert "heliograph.cli.version" in modules
    assert not modules & {
        "liquid",
        "aiohttp",
        "PIL",
        "alembic",
        "heliograph.outbound.feeds",
        "heliograph.demo",
    }


def test_an_unknown_command_is_an_error_of_the_caller() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "heliograph", "serf"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "serf" in done.stderr
