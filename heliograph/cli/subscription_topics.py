"""`heliograph subscription-topics`: what people may leave without leaving everything."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from heliograph.app import subscription_topics as defining
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table

topics = typer.Typer(no_args_is_help=True, help="Apply, list and remove subscription topics.")


@topics.command("apply")
@for_operators
def apply(
    file: Annotated[
        Path, typer.Argument(help="YAML or JSON: a list of topics (docs/how-to/preferences.md).")
    ],
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Save the topics of a file; others stay as they are."""
    names = asyncio.run(defining.apply(existing(data), account, file))
    out.print(f"Saved: {', '.join(names)}.")


@topics.command("list")
@for_operators
def list_topics(data: Data = None, account: AccountOption = None) -> None:
    """Print the topics in the order in which pages show them."""
    rows = table("name", "default", "titles")
    for topic in defining.known(existing(data), account):
        titles = ", ".join(f"{language}: {title}" for language, title in topic.titles.items())
        rows.add_row(topic.name, "yes" if topic.default else "no", titles)
    out.print(rows)


@topics.command("remove")
@for_operators
def remove(
    name: Annotated[str, typer.Argument(help="What the topic is called.")],
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Offer a topic no more; who left it is still not written to about it."""
    asyncio.run(defining.remove(existing(data), account, name))
    out.print(f"The topic {name} is removed.")
