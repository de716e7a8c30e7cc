"""Erasure reaches what bulk jobs keep: their ledgers, and lists that wait to be read (STD-7)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine

from heliograph.journal.consumer import Erased
from heliograph.outbound.jobs.forgetting import forget
from heliograph.privacy.erasing import Forget
from heliograph.privacy.words import Mask
from heliograph.react.state import jobs


def jobs_forget(data: Path, state: Engine) -> Forget:
    """What has the jobs of this data directory forget somebody."""

    async def forget_in_jobs(whom: Erased, events: Sequence[str], mask: Mask) -> None:
        def ids() -> list[str]:
            with state.connect() as connection:
                return jobs.of_account(connection, whom.account)

        known = await asyncio.to_thread(ids)
        await asyncio.to_thread(forget, data, whom.account, known, mask.words, mask.data)

    return forget_in_jobs
