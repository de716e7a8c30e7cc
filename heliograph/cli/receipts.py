"""`heliograph receipts`: what we make of one mail that came back, and the evidence that was kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from heliograph.bounces.rules import load_rules
from heliograph.cli.options import Config, Data, existing, for_operators, out, settings_of, table
from heliograph.clock import iso
from heliograph.errors import OperatorError, reason_of
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.mail.notice import read_notice, verdict

receipts = typer.Typer(no_args_is_help=True, help="Read mail that came back, and show what was kept of it.")


@receipts.command("read")
@for_operators
def read(
    file: Annotated[Path, typer.Argument(help="A mail as a file (.eml); - for the standard input.")],
    config: Config = None,
) -> None:
    """Show what one mail is, whom it names and why it came back, with the rules that decided. Changes nothing."""
    rules = load_rules(settings_of(None, config))
    notice = read_notice(_bytes(file))
    rows = table("", "")
    rows.add_row("what", notice.what)
    rows.add_row("because", notice.rule)
    rows.add_row("subject", notice.subject)
    rows.add_row("from", notice.sender)
    for result in notice.results:
        rows.add_section()
        rows.add_row("recipient", result.address or "nobody named")
        rows.add_row("action", result.action)
        rows.add_row("status", result.status or "none")
        rows.add_row("said", result.diagnostic)
        rows.add_row("by", result.remote or "not said")
        if result.action in ("failed", "delayed"):
            decided = verdict(result, rules)
            rows.add_row("category", f"{decided.code} {decided.category} ({decided.bounce_class})")
            rows.add_row("rule", decided.rule)
    if notice.feedback is not None:
        rows.add_row("feedback type", notice.feedback.type)
        rows.add_row("recipients", ", ".join(notice.feedback.recipients) or "redacted")
    if returned := notice.returned.get("message-id"):
        rows.add_row("returned message", returned[0])
    for problem in notice.problems:
        rows.add_row("problem", problem)
    out.print(rows)


@receipts.command("show")
@for_operators
def show(
    evidence: Annotated[str, typer.Argument(help="The id that an event names as its evidence.")],
    data: Data = None,
) -> None:
    """Write what was kept, as it came, to the standard output; when and from where it came to the error output."""
    kept = EvidenceFiles(Path(existing(data).data)).find(evidence)
    if kept is None:
        raise OperatorError(f"no evidence {evidence} is kept: its days may be over, or its person was erased")
    about = kept.about
    print(
        f"{about.kind} of {iso(about.at)}, account {kept.account}, {about.size} bytes, {len(kept.raw)} kept",
        file=sys.stderr,
    )
    sys.stdout.buffer.write(kept.raw)


def _bytes(file: Path) -> bytes:
    if str(file) == "-":
        return sys.stdin.buffer.read()
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {reason_of(error)}") from error
