"""An account whose opens go into files: a journal, a state that follows it, and the job over both."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path
from typing import Any

from heliograph.accounts.model import Account, Policy
from heliograph.clock import ManualClock
from heliograph.database import METADATA, open_state
from heliograph.events import codec
from heliograph.events.definitions import CampaignCreated
from heliograph.events.engagement import MessageOpened, MessageRead, ReaderJudged
from heliograph.events.event import AnyEvent, Data
from heliograph.journal.memory import MemoryJournal
from heliograph.journal.state_writer import StateWriter
from heliograph.outbound.daily.days import Daily
from heliograph.react.state.folds import FOLDS
from heliograph.settings import Settings

ACCOUNT = "000000000001"
CODE = "89r4i3l4"
EMPTY = "ekpz8q6s"


class World:
    """One account in a zone; its files go to `address`."""

    def __init__(self, data: Path, *, start: int, address: str, zone: str = "UTC") -> None:
        data.mkdir(exist_ok=True)
        self.clock = ManualClock(start)
        self.journal = MemoryJournal()
        self.state = open_state(data)
        METADATA.create_all(self.state)
        self.writer = StateWriter(self.state)
        policy = Policy(daily_reports=address, time_zone=zone, admin_email="ops@x.example")
        self.account = Account(number=ACCOUNT, store_id="s", policy=policy)
        self.settings = Settings(data=str(data))

    async def close(self) -> None:
        """Let go."""
        await self.writer.close()
        self.state.dispose()

    async def happen(self, data: Data, *, subject: str = "account:1", account: str = ACCOUNT) -> AnyEvent:
        """Record now, and fold."""
        event = codec.make(data, account=account, subject=subject, now=self.clock.now())
        await self.journal.append([codec.encode(event)])
        with self.state.begin() as connection:
            for fold in FOLDS:
                if event.kind in fold.kinds:
                    fold.apply(connection, [event])
        return event

    async def code(self, guid: str = CODE) -> None:
        """A tracking code."""
        await self.happen(CampaignCreated(guid=guid, name=guid))

    async def opened(self, guid: str = CODE, **how: Any) -> None:
        """An open of a tracking code: judged, and read for eight seconds."""
        event = await self.happen(MessageOpened(campaign=guid, **{"user_agent": "UA", **how}))
        verdict: dict[str, Any] = {"event": event.id, "reader": "human", "reason": "r"}
        outlook = {"mail_client": "Outlook", "mail_client_specific": "Outlook 2019", "platform": "desktop"}
        await self.happen(ReaderJudged(**verdict, **outlook))
        await self.happen(MessageRead(open=event.id, campaign=guid, seconds=8, category="Read"))

    def daily(self, settings: Settings | None = None) -> Daily:
        """The job."""
        return Daily(
            journal=self.journal,
            state=self.state,
            settings=settings or self.settings,
            write=self.writer.run,
        )

    async def run(self, settings: Settings | None = None) -> None:
        """What the engine does every ten minutes."""
        await self.daily(settings).run(self.account, self.clock.now())

    async def mails(self) -> list[Any]:
        """What the administrator was told."""
        entries = await self.journal.read(0, kinds=frozenset(("message.requested",)))
        return [codec.decode(entry).data for entry in entries]


def names(folder: Path) -> list[str]:
    """What lies in a folder; nothing where there is none."""
    return sorted(file.name for file in folder.iterdir()) if folder.exists() else []


def rows(archive: Path | bytes) -> tuple[str, list[dict[str, str]]]:
    """The name of the one file in a ZIP, and its rows."""
    with zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive) as opened:
        (name,) = opened.namelist()
        lines = io.StringIO(opened.read(name).decode(), newline="")
    return name, list(csv.DictReader(lines))
