"""`heliograph report`: what became of a campaign's mail, in the terminal, as JSON or as CSV; and the daily files."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer
from typer.core import TyperGroup

from heliograph.app import reports
from heliograph.app.reports import Asked
from heliograph.cli.charts import drawn
from heliograph.cli.options import AccountOption, Data, at_option, existing, for_operators, out
from heliograph.errors import OperatorError
from heliograph.react.state.reports.asking import Of

SHOW = "show"


class _Shown(TyperGroup):
    """`report CAMPAIGN` is `report show CAMPAIGN`: what is no command is a campaign."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [SHOW, *args]
        return super().parse_args(ctx, args)


report = typer.Typer(
    cls=_Shown, no_args_is_help=True, help="What became of a campaign's mail: `heliograph report CAMPAIGN`."
)


@report.command(SHOW)
@for_operators
def show(
    campaign: Annotated[
        str | None, typer.Argument(help="A campaign's number or name, or a tracking code's GUID.")
    ] = None,
    job: Annotated[str | None, typer.Option(help="A job's id instead.")] = None,
    automation: Annotated[str | None, typer.Option(help="An automation's name instead.")] = None,
    template: Annotated[str | None, typer.Option(help="A template's name instead.")] = None,
    by: Annotated[str, typer.Option(help="Draw its course by day or by hour.")] = "day",
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print its opens as CSV, in the columns of Litmus' export.")
    ] = False,
    since: Annotated[str | None, typer.Option(help="CSV: only opens recorded from then on.")] = None,
    until: Annotated[str | None, typer.Option(help="CSV: only opens recorded before then.")] = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """What became of a campaign's mail; or of a job's, an automation's, a template's."""
    if by not in ("day", "hour"):
        raise OperatorError("--by: day or hour")
    settings, wanted = existing(data), _asked(campaign, job, automation, template, account)
    if as_csv:
        span = at_option(since, "--since"), at_option(until, "--until")
        asyncio.run(reports.opens(settings, wanted, span, lambda lines: typer.echo(lines, nl=False)))
        return
    found = reports.find(settings, wanted, "hour" if by == "hour" else "day")
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        out.print(drawn(found))


def _asked(
    campaign: str | None, job: str | None, automation: str | None, template: str | None, account: str | None
) -> Asked:
    named: dict[Of, str | None] = {
        "campaign": campaign,
        "job": job,
        "automation": automation,
        "template": template,
    }
    given: list[Any] = [(of, name) for of, name in named.items() if name is not None]
    if len(given) != 1:
        raise OperatorError("name a campaign, or one of --job, --automation and --template")
    of, name = given[0]
    return Asked(of=of, name=name, account=account)


@report.command("list")
@for_operators
def list_reports(
    of: Annotated[str, typer.Option(help="campaign, code, job, automation or template.")] = "campaign",
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """What there are reports on, the latest first."""
    for title in reports.titles(existing(data), of, account):
        name = title.name if title.name == title.title else f"{title.name}  {title.title}"
        out.print(name, highlight=False)


@report.command("daily")
@for_operators
def daily(
    date: Annotated[str, typer.Option(help="The day, in the account's time zone: 2026-01-31.")],
    to: Annotated[
        str | None,
        typer.Option(help="A folder, sftp://user@host/path or s3://bucket/path. Default: the account's."),
    ] = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Write the files of one day now: a ZIP for each campaign. A file that exists is never overwritten."""
    done = asyncio.run(reports.daily(existing(data), date, to, account))
    for name in done.delivered:
        out.print(name, highlight=False)
    if done.refused:
        raise OperatorError("; ".join(f"{name}: {why}" for name, why in done.refused.items()))


@report.callback()
def _group() -> None:
    """What became of mail."""
