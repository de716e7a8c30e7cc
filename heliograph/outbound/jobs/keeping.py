"""What jobs leave in the data directory, and when it goes: ledgers of jobs that are over, files that nobody uses any more."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from heliograph.accounts.model import Account
from heliograph.attachments.kept import KeptFiles
from heliograph.clock import SECOND, Clock
from heliograph.outbound.jobs import uploads
from heliograph.outbound.jobs.ledger import FOLDER
from heliograph.react.state import jobs

LEDGER_DAYS = 90
"""Days for which a ledger is kept after its job is over, at most: what became of each message stays in state. An account
that keeps its events for less keeps ledgers no longer than those."""

DAY = 24 * 3600 * SECOND


def expire(connection: Connection, data: Path, account: Account, clock: Clock) -> int:
    """Remove what is too old; how many files."""
    days = min(account.policy.retention_days or LEDGER_DAYS, LEDGER_DAYS)
    gone = uploads.expire(data, clock) + KeptFiles(data).expire(clock)
    for job in jobs.over_before(connection, account.number, clock.now() - days * DAY):
        for path in (data / FOLDER).glob(f"{job}.*"):
            path.unlink(missing_ok=True)
            gone += 1
    return gone
