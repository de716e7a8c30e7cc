"""Export and erasure reach the evidence: mails that came back, as they were (STD-7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from heliograph.accounts.model import Account
from heliograph.clock import iso
from heliograph.events import codec
from heliograph.events.event import Entry
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.mail.parts import in_charset, read
from heliograph.journal.consumer import Erased
from heliograph.privacy.erasing import Forget
from heliograph.privacy.words import Mask


def evidence_forgets(files: EvidenceFiles) -> Forget:
    """What has these files forget somebody: those that their events name, and those in which one of their words
    stands, also where a mail has it encoded."""

    async def forget_in_evidence(whom: Erased, events: Sequence[str], mask: Mask) -> None:
        def speaks(raw: bytes) -> bool:
            return mask.data(raw) != raw or any(mask.text(text) != text for text in _texts(raw))

        await asyncio.to_thread(files.forget, whom.account, events, speaks)

    return forget_in_evidence


def kept_days(account: Account, days: int) -> int:
    """How many days an account's evidence is kept: never longer than its events."""
    return min(days, account.policy.retention_days or days)


def evidence_of(files: EvidenceFiles, account: str, entries: Iterable[Entry]) -> list[dict[str, Any]]:
    """What is kept of what these events tell, for an export."""
    named = dict.fromkeys(getattr(codec.decode(entry).data, "evidence", "") for entry in entries)
    kept = [files.find(evidence, account) for evidence in named if evidence]
    return [
        {"id": one.id, "at": iso(one.about.at), "kind": one.about.kind, "text": in_charset(one.raw, "")}
        for one in kept
        if one is not None
    ]


def _texts(raw: bytes) -> list[str]:
    """A kept mail's headers and texts, decoded."""
    root = read(raw.partition(b"\n")[2]).root
    found = [value for part in root.walk() for values in part.headers.values() for value in values]
    return found + [
        part.text for part in root.walk() if part.type.startswith(("text/", "message/")) and not part.parts
    ]
