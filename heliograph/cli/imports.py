"""`heliograph import`: from another system's files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from heliograph.app import transfer
from heliograph.app.transfer import Prepared, Wanted
from heliograph.cli.options import AccountOption, Data, at_option, bar, existing, for_operators, out, table
from heliograph.clock import SystemClock
from heliograph.errors import OperatorError
from heliograph.porting.importing import READERS, Seen
from heliograph.porting.wishes import answer
from heliograph.rowfiles.files import File, look
from heliograph.rowfiles.rows import shape
from heliograph.settings import Settings

Source = Annotated[Path, typer.Argument(help="CSV or NDJSON, plain or gzip.")]
What = Annotated[str, typer.Option(help="people, suppressions, orders, products or records.")]
Maps = Annotated[
    list[str] | None, typer.Option("--map", help="FIELD=COLUMN; FIELD= for none. May be repeated.")
]
Consent = Annotated[
    str, typer.Option(help="Of rows that say nothing: yes, no, unsubscribed, bounced, complained, pending.")
]
Tags = Annotated[list[str] | None, typer.Option(help="Given to everybody; may be repeated.")]
ReplaceTags = Annotated[bool, typer.Option("--replace-tags", help="Instead of adding to them.")]
Country = Annotated[str | None, typer.Option(help="Where numbers without +NN belong, such as US.")]
AsOf = Annotated[str | None, typer.Option(help="When it was true. Default: when the file was last written.")]
Prefix = Annotated[str, typer.Option(help="Of records: their data source.")]
KeyColumn = Annotated[str, typer.Option("--key", help="Of records: the column that holds their key.")]
Expires = Annotated[str | None, typer.Option(help="Of records: when they end. Default: never.")]
Encoding = Annotated[str | None, typer.Option(help="Default: found out.")]
Delimiter = Annotated[str | None, typer.Option(help="Default: found out.")]
Refused = Annotated[Path | None, typer.Option(help="Report of refused rows. Default: FILE.refused.csv here.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check everything, record nothing.")]


@for_operators
def import_file(
    file: Source,
    what: What = "people",
    map: Maps = None,
    consent: Consent = "",
    tag: Tags = None,
    replace_tags: ReplaceTags = False,
    phone_country: Country = None,
    as_of: AsOf = None,
    prefix: Prefix = "",
    key: KeyColumn = "key",
    expires: Expires = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    refused: Refused = None,
    dry_run: DryRun = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Import a file, or go on with one that was interrupted. Nothing is recorded twice, and nobody is mailed by it."""
    reader = next((name for name in READERS if name == what), None)
    if reader is None:
        raise OperatorError(f"{what} cannot be imported: {', '.join(READERS)} can")
    wanted = Wanted(
        what=reader,
        account=account,
        maps=tuple(map or ()),
        usual=answer(consent),
        tags=tuple(tag or ()),
        replace_tags=replace_tags,
        country=phone_country and phone_country.upper(),
        as_of=at_option(as_of, "--as-of"),
        prefix=prefix,
        key=key,
        expires=at_option(expires, "--expires"),
        report=refused or Path(f"{file.name}.refused.csv"),
        dry_run=dry_run,
    )
    _import(existing(data), _looked(file, encoding), delimiter, wanted)


def _import(settings: Settings, file: File, delimiter: str | None, wanted: Wanted) -> None:
    with transfer.prepared(settings, file, shape(file, delimiter), wanted) as made:
        _show(made, file)
        if made.work.progress.done:
            out.print("It was imported before, in the same way: there is nothing to do.")
            return
        _do(settings, made)
        _sum_up(made)


def _looked(file: Path, encoding: str | None) -> File:
    with bar(transient=True) as progress:
        task = progress.add_task("looking", total=file.stat().st_size if file.is_file() else None, rate="")
        return look(file, encoding=encoding, told=lambda size: progress.update(task, completed=size))


def _show(made: Prepared, file: File) -> None:
    work = made.work
    kind = f"CSV with {work.shape.delimiter!r}" if work.shape.is_csv else "NDJSON"
    out.print(f"{file.path.name}: {work.what}, {kind}, {file.encoding}, {file.size:,} bytes", highlight=False)
    if work.plan.columns:
        rows = table("field", "column", "for example")
        for name, column in work.plan.columns.items():
            cells = [str(row.cells.get(column) or "") for row in made.first]
            rows.add_row(name, column, next(filter(None, cells), "")[:60])
        out.print(rows)
    if made.left_out:
        out.print(f"Left out (take one with --map NAME=COLUMN): {', '.join(made.left_out)}", markup=False)


def _do(settings: Settings, made: Prepared) -> None:
    clock, work = SystemClock(), made.work
    began, rows = clock.monotonic(), work.progress.rows
    with bar(transient=False) as progress:
        task = progress.add_task(
            "checking" if made.kept is None else "importing", total=work.file.size, rate=""
        )

        def told(seen: Seen) -> None:
            rate = (seen.progress.rows - rows) / max(clock.monotonic() - began, 0.001)
            shown = f"{seen.progress.rows:,} rows, {rate:,.0f}/s"
            progress.update(task, completed=seen.position, rate=shown)

        try:
            asyncio.run(transfer.record(settings, made, told))
        except KeyboardInterrupt:
            raise OperatorError("interrupted: the same command goes on where it was") from None


def _sum_up(made: Prepared) -> None:
    progress = made.work.progress
    events = f", {progress.events:,} events recorded" if made.kept is not None else "; nothing was recorded"
    known = f", {progress.known:,} were recorded before" if progress.known else ""
    out.print(f"{progress.rows:,} rows, {progress.refused:,} refused{events}{known}.", highlight=False)
    if progress.refused:
        out.print(f"Refused rows, with the reasons: {made.work.report.path}", highlight=False, markup=False)
    for note, times in made.work.oddities.most_common(5):
        out.print(f"In {times:,} rows: {note}", highlight=False, markup=False)
