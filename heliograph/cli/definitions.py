"""`heliograph templates`: what messages look like, saved as events."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from heliograph.app import define
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.errors import OperatorError

templates = typer.Typer(no_args_is_help=True, help="Save and list templates.")


@templates.command("save")
@for_operators
def save_template(
    name: str,
    subject: Annotated[str, typer.Option(help="The subject, in Liquid.")],
    html: Annotated[Path | None, typer.Option(help="File of the HTML part.")] = None,
    text: Annotated[
        Path | None, typer.Option(help="File of the text part; made from the HTML when absent.")
    ] = None,
    preheader: Annotated[str, typer.Option(help="What inboxes show behind the subject.")] = "",
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Save a template's new version."""
    parts = {"subject": subject, "preheader": preheader}
    for part, file in (("html", html), ("text", text)):
        if file is not None:
            parts[part] = _read(file)
    if not {"html", "text"} & set(parts):
        raise OperatorError("a template needs --html or --text")
    asyncio.run(define.save_template(existing(data), account, name, {k: v for k, v in parts.items() if v}))
    out.print(f"The template {name} is saved.")


@templates.command("list")
@for_operators
def list_templates(data: Data = None, account: AccountOption = None) -> None:
    """All templates, with their current version."""
    _table(("name", "version", "parts"), define.templates(existing(data), account))


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file} cannot be read: {error}") from error


def _table(columns: tuple[str, ...], found: list[tuple[Any, ...]]) -> None:
    rows = table(*columns)
    for row in found:
        rows.add_row(*(str(cell) for cell in row))
    out.print(rows)
