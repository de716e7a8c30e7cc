"""`heliograph dkim`: the keys that sign mail, and the DNS records that go with them."""

from __future__ import annotations

from typing import Annotated

import typer

from heliograph.accounts.dkim import ALGORITHMS, TXT_STRING, Algorithm, DkimKey
from heliograph.app import dkim as keys
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.clock import iso
from heliograph.errors import OperatorError

dkim = typer.Typer(
    no_args_is_help=True, help="Make keys that sign mail, print their DNS records, let them sign."
)

Domain = Annotated[str, typer.Argument(help="The domain of From, or one that it is below.")]
Selector = Annotated[str, typer.Argument(help="As `heliograph dkim list` shows it.")]
Resolver = Annotated[
    str | None, typer.Option(help="A name server to ask, HOST or HOST:PORT. Default: this machine's.")
]


@dkim.command("add")
@for_operators
def add(
    domain: Domain,
    data: Data = None,
    account: AccountOption = None,
    selector: Annotated[str | None, typer.Option(help="Default: named for the day.")] = None,
    algorithm: Annotated[
        list[str] | None, typer.Option(help="rsa or ed25519; may be repeated. Default: both.")
    ] = None,
) -> None:
    """Make keys for a domain and print the DNS records to publish. They sign when they are activated."""
    made = keys.add(existing(data), account, domain, selector, _algorithms(algorithm))
    out.print("Publish these TXT records, then `heliograph dkim check` and `heliograph dkim activate`:\n")
    for key in made:
        _print_record(key)


@dkim.command("list")
@for_operators
def list_keys(data: Data = None, account: AccountOption = None) -> None:
    """All keys, and since when they sign."""
    rows = table("account", "domain", "selector", "algorithm", "made", "signs since")
    for key in keys.keys(existing(data), account):
        since = iso(key.active) if key.active is not None else "does not sign"
        rows.add_row(key.account, key.domain, key.selector, key.algorithm, iso(key.created), since)
    out.print(rows)


@dkim.command("records")
@for_operators
def records(domain: Domain, data: Data = None, account: AccountOption = None) -> None:
    """Print the DNS records of a domain's keys again."""
    for key in keys.keys(existing(data), account, domain):
        _print_record(key)


@dkim.command("check")
@for_operators
def check(
    domain: Annotated[str | None, typer.Argument(help="Default: all.")] = None,
    data: Data = None,
    account: AccountOption = None,
    resolver: Resolver = None,
) -> None:
    """Look the keys up in the DNS. Ends with 1 where one is not there as it must be."""
    made = keys.keys(existing(data), account, domain)
    if not made:
        raise OperatorError("there are no such keys: `heliograph dkim add DOMAIN` makes some")
    found = keys.published(made, resolver)
    for one in found:
        out.print(f"{one.key.name}: {one.why or 'published'}", soft_wrap=True)
    if any(one.why for one in found):
        raise typer.Exit(1)


@dkim.command("activate")
@for_operators
def activate(
    domain: Domain,
    selector: Selector,
    data: Data = None,
    account: AccountOption = None,
    resolver: Resolver = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Do not look it up in the DNS first.")
    ] = False,
) -> None:
    """Let a key sign from now on, in place of the one of its algorithm that did; looks it up in the DNS first."""
    settings = existing(data)
    if not unchecked:
        chosen = [key for key in keys.keys(settings, account, domain) if key.selector == selector]
        for one in keys.published(chosen, resolver):
            if one.why:
                raise OperatorError(f"{one.key.name}: {one.why}; --unchecked lets it sign nevertheless")
    key = keys.activate(settings, account, domain, selector)
    out.print(f"{key.selector} signs mail from {key.domain} and below.")


@dkim.command("remove")
@for_operators
def remove(domain: Domain, selector: Selector, data: Data = None, account: AccountOption = None) -> None:
    """Remove a key for good. Leave its DNS record for a week: mail that it signed may be on its way."""
    keys.remove(existing(data), account, domain, selector)
    out.print(f"{selector} of {domain} is removed.")


def _algorithms(said: list[str] | None) -> tuple[Algorithm, ...]:
    for name in said or ():
        if name not in ALGORITHMS:
            raise OperatorError(f"there is no algorithm {name}: {', '.join(ALGORITHMS)}")
    return tuple(name for name in ALGORITHMS if not said or name in said)


def _print_record(key: DkimKey) -> None:
    record = key.record
    strings = [record[at : at + TXT_STRING] for at in range(0, len(record), TXT_STRING)]
    quoted = " ".join(f'"{text}"' for text in strings)
    out.print(f"{key.name}. IN TXT {quoted}\n", soft_wrap=True, highlight=False)
