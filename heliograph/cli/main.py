"""The `heliograph` command: which commands there are, and where each is written.

A command's module is loaded when the command is given, so that none waits for what the others need: a new one is a
line in `COMMANDS`.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup

from heliograph.errors import perhaps


class Command(NamedTuple):
    """Where a command is: `MODULE:NAME` of a function, or of a `Typer` of several. `help` as its own docstring has it."""

    place: str
    help: str


COMMANDS: dict[str, Command] = {
    "serve": Command(
        "running:serve",
        "Run everything: web workers, the engine and what goes out. The first start makes the data directory and the keys.",
    ),
    "demo": Command(
        "running:demo", "Play the whole story once, on real sockets, then keep serving so that you can try."
    ),
    "check": Command(
        "checking:check",
        "Print the effective settings, secrets masked; loud when one is wrong, or a file that it names.",
    ),
    "keys": Command("keys:keys", "List, add and revoke keys."),
    "accounts": Command("accounts:accounts", "Show accounts, add one, change its policy."),
    "dkim": Command("dkim:dkim", "Make keys that sign mail, print their DNS records, let them sign."),
    "templates": Command("templates:templates", "Save, show, check, preview and test templates."),
    "automations": Command(
        "automations:automations",
        "Apply, show and rehearse automations, and say why somebody got one or did not.",
    ),
    "segments": Command("automations:segments", "Apply, list and look into segments of people."),
    "send": Command(
        "bulk:send",
        "Send a template to a list, and watch it go. Interrupting ends the watching, not the job.",
    ),
    "jobs": Command("bulk:jobs", "Bulk sends: how they stand, and moving them."),
    "feeds": Command("feeds:feeds", "Add, watch, test, replay and end feeds."),
    "image": Command("images:images", "Preview, publish and embed live pictures."),
    "campaigns": Command(
        "campaigns:campaigns", "Make tracking codes, print their HTML, stop and start them."
    ),
    "people": Command("people:people", "Show, export, erase, merge people on request."),
    "messages": Command("messages:messages", "Show what became of a message."),
    "suppressions": Command(
        "suppressions:suppressions", "Show, add and lift suppressions; list, import and export them all."
    ),
    "subscription-topics": Command(
        "subscription_topics:topics", "Apply, list and remove subscription topics."
    ),
    "import": Command(
        "imports:import_file",
        "Import a file, or go on with one that was interrupted. Nothing is recorded twice, and nobody is mailed by it.",
    ),
    "export": Command("exports:export", "Write out people, suppressions, orders or events."),
    "bounces": Command("bounces:bounces", "Explain why mail comes back."),
    "receipts": Command("receipts:receipts", "Read mail that came back, and show what was kept of it."),
    "report": Command("reports:report", "What became of a campaign's mail: `heliograph report CAMPAIGN`."),
    "retention": Command("retention:retention", "Archive and remove events whose days are over."),
    "oddities": Command(
        "oddities:oddities", "What senders do otherwise than the document has it, the most frequent first."
    ),
    "tail": Command("events:tail", "The latest events, then each new one as it is recorded."),
    "parked": Command("events:parked", "What an act, a reaction or a fold could not handle."),
    "replay": Command(
        "events:replay",
        "Empty what a fold remembers and fold everything again. Folds only: nothing is sent or decided anew.",
    ),
    "version": Command("version:version", "Print the version."),
}


class _OnDemand(TyperGroup):
    """A group whose commands are loaded by name."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of this name; None where there is none."""
        return loaded(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As its parent; what is no command is told with the one that was meant."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            ctx.fail(f"No such command {args[0]!r}{perhaps(args[0], COMMANDS)}.")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list below `heliograph --help`, of which nothing is loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])


def loaded(name: str) -> Any:
    """The command of this name, ready to be run."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    found: typer.Typer | Callable[..., Any] = getattr(
        importlib.import_module(f"heliograph.cli.{module}"), attribute
    )
    around = typer.Typer(add_completion=False, rich_markup_mode=None)
    if isinstance(found, typer.Typer):
        around.add_typer(found, name=name)
    else:
        around.command(name)(found)
    return typer.main.get_group(around).commands[name]


def main() -> None:
    """The `heliograph` command; `--version` is what others call `version`."""
    command = _OnDemand(name="heliograph", no_args_is_help=True, rich_markup_mode=None)
    command(["version"] if sys.argv[1:] == ["--version"] else None)
