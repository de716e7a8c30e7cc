"""Erasure reaches what waits in queues to be fetched (STD-8)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial

import msgspec

from heliograph.journal.consumer import Erased
from heliograph.privacy.erasing import Forget
from heliograph.privacy.words import Mask
from heliograph.queues.file import QueueFile
from heliograph.queues.forgetting import empty_log, forget

TRIES = 20
"""How often the log is emptied while others are at work; whoever closes the file last empties it in any case."""


def queues_forget(queues: QueueFile) -> Forget:
    """What has the queues of this file forget somebody."""

    async def forget_in_queues(whom: Erased, events: Sequence[str], mask: Mask) -> None:
        work = partial(
            forget,
            account=whom.account,
            subjects=_json(whom.references),
            events=_json(events),
            words=_json([word.lower() for word in mask.words]),
            mask=mask.text,
        )
        await queues.do(work)
        for _ in range(TRIES):  # whether or not anything was found: what was fetched lies in the log too
            if await asyncio.to_thread(empty_log, queues.path):
                break

    return forget_in_queues


def _json(values: Sequence[str]) -> str:
    return msgspec.json.encode(values).decode()
