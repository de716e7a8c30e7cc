"""`heliograph serve` and `demo`: what runs the whole."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from heliograph import __version__
from heliograph.app import serve as serving
from heliograph.cli.options import Config, Data, for_operators, out, settings_of
from heliograph.demo import story
from heliograph.settings import public_url


@for_operators
def serve(
    data: Data = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT.")] = None,
    workers: Annotated[int | None, typer.Option(help="Web worker processes.")] = None,
    only: Annotated[
        str | None, typer.Option(help="One part alone: web, engine, outbound, journal or mail.")
    ] = None,
    config: Config = None,
) -> None:
    """Run everything: web workers, the engine and what goes out. The first start makes the data directory and the keys."""
    settings = settings_of(data, config, listen=listen, workers=workers)
    if only is not None:
        serving.run_part(only, settings)
        return
    with serving.alone(settings):
        made = serving.prepare(settings)
        if made is not None:
            out.print(
                "The first start made these credentials. They are in credentials.json and shown only now:"
            )
            out.print_json(data=made)
        out.print(
            f"Heliograph {__version__} on {settings.listen}; data in {Path(settings.data).resolve()}",
            highlight=False,
        )
        if not settings.base_url:
            out.print(
                f"URLs in mail begin with {public_url(settings)}: set base_url to what your readers can open.",
                highlight=False,
            )
        serving.run_all(settings)


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
