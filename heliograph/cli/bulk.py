"""`heliograph send` and `heliograph jobs`: bulk sends from the shell."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from heliograph.app.bulk import Desk
from heliograph.cli.options import AccountOption, Data, at_option, bar, existing, for_operators, out, table
from heliograph.clock import iso
from heliograph.errors import OperatorError
from heliograph.events.consent import Channel
from heliograph.events.jobs import JobSubmitted
from heliograph.outbound.jobs import told, views
from heliograph.outbound.jobs.ledger import STATES
from heliograph.outbound.jobs.options import SPANS
from heliograph.outbound.jobs.orders import Move
from heliograph.outbound.jobs.views import Standing

Template = Annotated[str, typer.Argument(help="The template, by its name.")]
To = Annotated[
    str,
    typer.Option(
        "--to", help="The list: a CSV, NDJSON or XML file (gzip, zip), or file:, https: or s3: URL."
    ),
]
Name = Annotated[str, typer.Option(help="What the job is called. Default: the template.")]
By = Annotated[str, typer.Option("--channel", help="email, sms or push.")]
SendAt = Annotated[str | None, typer.Option(help="When it begins. Default: now.")]
Rate = Annotated[str | None, typer.Option(help="At most so many, such as 100/second, 5000/hour.")]
Suppress = Annotated[
    list[str] | None, typer.Option(help="A list of addresses to leave out; may be repeated.")
]
Correlation = Annotated[str | None, typer.Option(help="Your own id of the job, for feeds.")]
Category = Annotated[str | None, typer.Option(help="The job's category, for feeds.")]
Options = Annotated[str, typer.Option(help="Further options as JSON: window, split, columns ...")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Submit, print the id, and end.")]
JobId = Annotated[str, typer.Argument(help="The job's id.")]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]
State = Annotated[str | None, typer.Option(help=f"Only {', '.join(STATES)}.")]
AsCsv = Annotated[
    bool, typer.Option("--csv", help="All of them (of the state) as CSV: a list that `send` takes again.")
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="How many at most.")]

jobs = typer.Typer(help="Bulk sends: how they stand, and moving them.", no_args_is_help=True)


@for_operators
def send(
    template: Template,
    to: To,
    name: Name = "",
    channel: By = "email",
    send_at: SendAt = None,
    rate: Rate = None,
    suppress: Suppress = None,
    correlation_id: Correlation = None,
    job_category: Category = None,
    options: Options = "{}",
    no_wait: NoWait = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Send a template to a list, and watch it go. Interrupting ends the watching, not the job."""
    desk = Desk(existing(data), account)
    submission = JobSubmitted(
        name=name or template,
        channel=_channel(channel),
        template=template,
        source=to,
        send_at=at_option(send_at, "--send-at"),
        correlation_id=correlation_id,
        job_category=job_category,
        options=_options(options, rate, suppress or []),
        by="command line",
    )
    job = asyncio.run(_submit(desk, submission))
    out.print(job, highlight=False)
    if not no_wait:
        _watch(desk, job)


@jobs.command("list")
@for_operators
def list_jobs(limit: Limit = 20, data: Data = None, account: AccountOption = None) -> None:
    """The newest jobs."""
    rows = table("job", "name", "state", "submitted", "settled", "of", "per second", "remaining")
    for one in Desk(existing(data), account).jobs(limit):
        job = one.job
        figures = (f"{one.settled:,}", f"{one.total:,}", f"{one.per_second:,.0f}", _remaining(one))
        rows.add_row(job.id, job.submission.name, job.state, iso(job.submitted)[:19], *figures)
    out.print(rows)


@jobs.command("show")
@for_operators
def show(job: JobId, data: Data = None, account: AccountOption = None) -> None:
    """How a job stands: as JSON, for people and programs."""
    out.print_json(msgspec.json.encode(told.job(Desk(existing(data), account).standing(job))).decode())


@jobs.command("watch")
@for_operators
def watch(job: JobId, data: Data = None, account: AccountOption = None) -> None:
    """Watch a job until it is over."""
    desk = Desk(existing(data), account)
    desk.job(job)
    _watch(desk, job)


@jobs.command("recipients")
@for_operators
def recipients(
    job: JobId,
    state: State = None,
    limit: Limit = 100,
    after: Annotated[int, typer.Option(help="Go on behind the recipient with this `row`.")] = 0,
    csv: AsCsv = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Whom a job is for, one JSON object a line, or all of them as CSV."""
    wanted = next((known for known in STATES if known == state), None)
    if state is not None and wanted is None:
        raise OperatorError(f"--state: {state} is none of {', '.join(STATES)}")
    desk = Desk(existing(data), account)
    if csv:
        for piece in desk.recipients_csv(job, state=wanted):
            sys.stdout.buffer.write(piece)
        return
    for one in desk.recipients(job, state=wanted, after=after, limit=limit):
        print(msgspec.json.encode(told.recipient(one)).decode())


@jobs.command("broken")
@for_operators
def broken(job: JobId, limit: Limit = 100, data: Data = None, account: AccountOption = None) -> None:
    """Rows of a job's list that are no recipients, and why: line, tab, reason."""
    desk = Desk(existing(data), account)
    for one in views.broken(desk.data, desk.job(job).id, after=0, limit=limit):
        print(f"{one.line}\t{one.reason}")


@jobs.command("pause")
@for_operators
def pause(job: JobId, reason: Reason = "", data: Data = None, account: AccountOption = None) -> None:
    """Hold a job. What was handed to dispatch is still sent."""
    _move(job, "paused", reason, data, account)


@jobs.command("resume")
@for_operators
def resume(job: JobId, reason: Reason = "", data: Data = None, account: AccountOption = None) -> None:
    """Let a job go on where it was."""
    _move(job, "resumed", reason, data, account)


@jobs.command("cancel")
@for_operators
def cancel(job: JobId, reason: Reason = "", data: Data = None, account: AccountOption = None) -> None:
    """End a job: who was not reached will not be."""
    _move(job, "cancelled", reason, data, account)


@jobs.command("winner")
@for_operators
def winner(job: JobId, template: Template, data: Data = None, account: AccountOption = None) -> None:
    """Name the winner of a split test: who waits for it gets that template."""
    asyncio.run(Desk(existing(data), account).decide(job, template))
    out.print(f"{job} goes on with {template}", highlight=False)


def _move(job: str, to: Move, reason: str, data: str | None, account: str | None) -> None:
    asyncio.run(Desk(existing(data), account).move(job, to, reason))
    out.print(f"{job} is {to}", highlight=False)


def _watch(desk: Desk, job: str) -> None:
    with bar(transient=False) as progress:
        task = progress.add_task("reading", total=None, rate="")

        def tell(standing: Standing) -> None:
            going = f"{standing.settled:,} of {standing.total:,}, {standing.per_second:,.0f}/s {_remaining(standing)}"
            reading = f"{standing.read:,} rows"
            progress.update(
                task,
                description="reading" if standing.reading else standing.job.state,
                total=None if standing.reading else max(1, standing.total),
                completed=0 if standing.reading else standing.settled,
                rate=reading if standing.reading else going,
            )

        try:
            last = asyncio.run(desk.watch(job, tell))
        except KeyboardInterrupt:
            out.print("The job goes on: `heliograph jobs watch` shows it.", highlight=False)
            return
    if last is None:
        out.print("No engine runs: the job begins when `heliograph serve` does.", highlight=False)
        return
    counts = (
        ", ".join(f"{count:,} {state}" for state, count in last.counts.items()) or "nobody was written to"
    )
    out.print(f"{last.job.state}: {counts}", highlight=False)
    if last.job.state == "failed":
        raise OperatorError(f"{last.job.error_code}: {last.job.error_message}")


def _remaining(standing: Standing) -> str:
    """How long it will take, in words; empty where nobody can tell."""
    if standing.remaining is not None:
        return f"about {timedelta(seconds=round(standing.remaining))} left"
    return f"held until {iso(standing.next_due)[:16]} UTC" if standing.next_due else ""


async def _submit(desk: Desk, submission: JobSubmitted) -> str:
    """Hand in the files that it names, then the job."""
    source, options = await _source(desk, submission.source), dict(submission.options)
    if "suppress" in options:
        options["suppress"] = [await _source(desk, one) for one in options["suppress"]]
    return await desk.submit(msgspec.structs.replace(submission, source=source, options=options))


async def _source(desk: Desk, text: str) -> str:
    """What a job is told of a list: files of this machine are handed in."""
    if text.split(":", 1)[0] in ("file", "http", "https", "s3", "upload"):
        return text
    return await desk.hand_in(Path(text))


def _channel(text: str) -> Channel:
    known: tuple[Channel, ...] = ("email", "sms", "push")
    found = next((one for one in known if one == text), None)
    if found is None:
        raise OperatorError(f"--channel: {text} is none of {', '.join(known)}")
    return found


def _options(text: str, rate: str | None, suppress: list[str]) -> dict[str, Any]:
    try:
        chosen = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise OperatorError(f"--options: {error}") from error
    return chosen | ({"rate": _rate(rate)} if rate else {}) | ({"suppress": suppress} if suppress else {})


def _rate(text: str) -> dict[str, int | str]:
    count, _, per = text.partition("/")
    if not count.isdigit() or per not in SPANS:
        raise OperatorError(f"--rate: {text} is no rate, such as 100/second, 500/minute or 5000/hour")
    return {"count": int(count), "per": per}
