"""The commands that run things: `serve`, `demo`, `check`; the others are grouped in their own modules."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from heliograph import __version__
from heliograph.app import serve as serving
from heliograph.cli import definitions, events, exports, images, imports, keys, oddities, people, retention
from heliograph.cli.options import Config, Data, for_operators, out, settings_of, table
from heliograph.demo import story
from heliograph.settings import shown

application = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False
)
application.add_typer(keys.keys, name="keys")
application.add_typer(keys.accounts, name="accounts")
application.add_typer(definitions.templates, name="templates")
application.add_typer(definitions.automations, name="automations")
application.add_typer(definitions.feeds, name="feeds")
application.add_typer(events.parked, name="parked")
application.add_typer(exports.export, name="export")
application.add_typer(people.people, name="people")
application.add_typer(retention.retention, name="retention")
application.add_typer(images.images, name="image")
application.command("import")(imports.import_file)
application.command("tail")(events.tail)
application.command("oddities")(oddities.oddities)
application.command("replay")(events.replay)


@application.command()
@for_operators
def serve(
    data: Data = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Web worker processes.")] = None,
    only: Annotated[str | None, typer.Option(help="One part alone: web, engine or journal.")] = None,
    config: Config = None,
) -> None:
    """Run everything: web workers and the engine. The first start makes the data directory and the keys."""
    if only is not None:
        serving.run_part(only, settings_of(data, config, listen=listen, workers=workers))
        return
    settings = settings_of(data, config, listen=listen, workers=workers)
    made = serving.prepare(settings)
    if made is not None:
        out.print("The first start made these credentials. They are in credentials.json and shown only now:")
        out.print_json(data=made)
    out.print(
        f"Heliograph {__version__} on {settings.listen}; data in {Path(settings.data).resolve()}",
        highlight=False,
    )
    serving.run_all(settings)


@application.command()
@for_operators
def demo(
    exit: Annotated[bool, typer.Option("--exit", help="End after the story.")] = False,
    data: Annotated[
        str | None, typer.Option(help="Keep the data here; default: a new temporary directory.")
    ] = None,
    listen: Annotated[str, typer.Option(help="HOST:PORT of the engine.")] = "127.0.0.1:8025",
) -> None:
    """Play the whole story once, on real sockets, then keep serving so that you can try."""
    raise typer.Exit(asyncio.run(story.play(listen=listen, data=data, end=exit)))


@application.command()
@for_operators
def check(data: Data = None, config: Config = None) -> None:
    """Print the effective settings, secrets masked; loud when one is wrong."""
    rows = table("setting", "value")
    for name, value in shown(settings_of(data, config)).items():
        rows.add_row(name, repr(value) if value == "" else str(value))
    out.print(rows)


@application.command()
def version() -> None:
    """Print the version."""
    out.print(__version__)


def main() -> None:
    """The `heliograph` command."""
    application()
