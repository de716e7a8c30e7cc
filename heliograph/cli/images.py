"""`heliograph image`: previewing, publishing, pasting and reporting live pictures."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from heliograph.app import live
from heliograph.cli.options import AccountOption, Data, err, existing, for_operators, out, table

images = typer.Typer(no_args_is_help=True, help="Preview, publish and embed live pictures.")

File = Annotated[
    Path,
    typer.Argument(help="JSON as the Personalize API takes it; its type says which kind of picture it is."),
]
Image = Annotated[str, typer.Argument(help="The id of a published picture.")]


@images.command("preview")
@for_operators
def preview(
    file: File,
    into: Annotated[Path, typer.Option("--output", "-o", help="Directory of the pictures.")] = Path(),
    data: Data = None,
) -> None:
    """Draw what a file describes, and publish nothing."""
    written, warnings = asyncio.run(live.preview(existing(data), file, into))
    _warn(warnings)
    for path in written:
        out.print(str(path), soft_wrap=True, highlight=False)


@images.command("publish")
@for_operators
def publish(file: File, data: Data = None, account: AccountOption = None) -> None:
    """Publish what a file describes, for good. Prints the id and the URLs."""
    told = asyncio.run(live.publish(existing(data), account, file))
    _warn(told.warnings)
    out.print_json(json.dumps({"id": told.id, "urls": told.urls}))


@images.command("html")
@for_operators
def html(
    image: Image,
    sender: Annotated[
        str, typer.Option(help="Whose merge tags: mailchimp, braze ...; or a pattern such as <<NAME>>.")
    ] = "mailchimp",
    data: Data = None,
) -> None:
    """Print the HTML to paste into a mail of another system."""
    typer.echo(asyncio.run(live.html(existing(data), image, sender)), nl=False)


@images.command("list")
@for_operators
def listed(
    archived: Annotated[bool, typer.Option("--archived", help="Those that were archived.")] = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Everything that was published, newest first in each kind."""
    rows = table("id", "type", "template", "published", "looks")
    for row in live.listed(existing(data), account, archived=archived):
        rows.add_row(*(str(cell) for cell in row))
    out.print(rows)


@images.command("archive")
@for_operators
def archive(image: Image, data: Data = None) -> None:
    """Take a picture out of the lists. Mails that show it still do."""
    asyncio.run(live.archive(existing(data), image))
    out.print(f"{image} is archived.")


@images.command("report")
@for_operators
def report(image: Image, data: Data = None) -> None:
    """How often a picture was looked at and by whom, and the votes of a tracker."""
    out.print_json(json.dumps(asyncio.run(live.report(existing(data), image))))


def _warn(warnings: list[str]) -> None:
    for warning in warnings:
        err.print(f"heliograph: {warning}", style="yellow", highlight=False, soft_wrap=True)
