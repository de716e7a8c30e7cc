"""`heliograph bounces`: why mail comes back, asked by hand; and the rules that decide, in their order."""

from __future__ import annotations

from typing import Annotated

import typer

from heliograph.bounces.classify import classify, parse_reply
from heliograph.bounces.rules import CATEGORIES, load_rules
from heliograph.cli.options import Config, for_operators, out, settings_of, table

bounces = typer.Typer(no_args_is_help=True, help="Explain why mail comes back.")


@bounces.command("explain")
@for_operators
def explain(
    text: Annotated[str, typer.Argument(help="An SMTP answer, or what a notice says (Diagnostic-Code).")],
    status: Annotated[
        str | None, typer.Option(help="A notice's Status, such as 5.1.1. Default: the one in the text.")
    ] = None,
    config: Config = None,
) -> None:
    """Print the category and class of an answer, the rule that decided, and what would follow from it."""
    rules = load_rules(settings_of(None, config))
    reply = parse_reply(text)
    verdict = classify(reply.code, status or reply.status, reply.text, rules=rules)
    rows = table("", "")
    rows.add_row("code", str(verdict.code))
    rows.add_row("category", verdict.category)
    rows.add_row("class", verdict.bounce_class)
    rows.add_row("rule", verdict.rule)
    rows.add_row("reply code", str(reply.code or "none"))
    rows.add_row("enhanced status", status or reply.status or "none")
    rows.add_row("follows", _FOLLOWS[verdict.bounce_class])
    out.print(rows)


@bounces.command("rules")
@for_operators
def show_rules(config: Config = None) -> None:
    """Print the rules in the order in which they are asked, one's own first."""
    rows = table("rule", "code", "category", "class")
    for rule in load_rules(settings_of(None, config)):
        category = CATEGORIES[rule.code]
        rows.add_row(rule.name, str(rule.code), category.name, category.bounce_class)
    out.print(rows)


_FOLLOWS = {
    "hard": "the address is suppressed",
    "soft": "counted: several without a delivery between suppress the address",
    "block": "nothing: it is about the sender or the content, not the address",
    "admin": "nothing: it was refused on our side",
    "undetermined": "counted as soft",
}
