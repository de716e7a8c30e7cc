"""An intake on a journal in memory and a real state in which one message was sent; and the labelled notices."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import SECOND, ManualClock
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.mail.intake import Delivery, Intake
from heliograph.journal.memory import MemoryJournal
from heliograph.react.state.folds import FOLDS
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring

HERE = Path(__file__).parent
ACCOUNT = "000000000001"
ADDRESS = "ann@x.example"
MESSAGE = "018bcfe5-6800-7abc-8def-0123456789ab"
"""The message that the labelled notices return."""
SENT = 1_700_000_000 * SECOND
KEYS = Keyring({1: b"k" * 32}, 1)
FBL = "fbl@shop.example"


class Labelled(NamedTuple):
    """A line of `notices.tsv`, and the mail."""

    file: str
    what: str
    action: str
    address: str
    code: str
    ours: bool
    label: str
    raw: bytes


def labelled() -> list[Labelled]:
    """Every notice with what is right about it."""
    lines = (HERE / "notices.tsv").read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith(("#", "file\t"))]
    return [_labelled(*row) for row in rows]


def notice(file: str) -> bytes:
    """The mail of this name."""
    return _with_link((HERE / "notices" / f"{file}.eml").read_bytes())


def _labelled(file: str, what: str, action: str, address: str, code: str, ours: str, label: str) -> Labelled:
    return Labelled(file, what, action, address, code, ours == "yes", label, notice(file))


def _with_link(raw: bytes) -> bytes:
    """With a link to leave that we signed, where the notice leaves a place for one."""
    token = Refs(KEYS).unsubscribe(MessageRef(ACCOUNT, MESSAGE, None))
    return raw.replace(b"@TOKEN@", token.encode())


class World:
    """An intake, and what came of what it took."""

    def __init__(self, data: Path, *, journal: MemoryJournal | None = None, **settings: object) -> None:
        self.clock = ManualClock(SENT + 3600 * SECOND)
        self.journal = journal or MemoryJournal()
        self.state = memory_state()
        self.refs = Refs(KEYS)
        self.files = EvidenceFiles(data)
        self.accounts = [Account(number=ACCOUNT, store_id="A"), Account(number="000000000002", store_id="B")]
        settings = {"mailboxes": (FBL, "bounces+*@shop.example"), **settings}
        self.intake = Intake(
            journal=self.journal,
            state=self.state,
            directory=Directory(self.accounts, [], KEYS),
            refs=self.refs,
            files=self.files,
            clock=self.clock,
            **settings,  # type: ignore[arg-type]
        )

    async def send(self, message: str = MESSAGE, address: str = ADDRESS) -> None:
        """A message of ours went out, an hour ago."""
        wanted = MessageRequested(address=address, template="t")
        asked = codec.make(wanted, account=ACCOUNT, subject=f"email:{address}", now=SENT, id=message)
        sent = codec.follow(asked, MessageSent(message=message, address=address), now=SENT)
        await self.journal.append([codec.encode(event) for event in (asked, sent)])
        self.fold([asked, sent])

    def fold(self, events: list[AnyEvent]) -> None:
        """State learns of these."""
        with self.state.begin() as connection:
            for fold in FOLDS:
                if mine := [event for event in events if event.kind in fold.kinds]:
                    fold.apply(connection, mine)

    def return_path(self, message: str = MESSAGE) -> str:
        """Where notices about a message go."""
        return f"b-{self.refs.bounce(ACCOUNT, message)}@bounces.shop.example"

    async def take(self, raw: bytes, *recipients: str, sender: str | None = "") -> AnyEvent | None:
        """Bring a mail."""
        return await self.intake.take(raw, Delivery(sender, recipients or (FBL,), "198.51.100.7"))

    async def told(self) -> list[AnyEvent]:
        """What the journal holds beside what went out."""
        entries = await self.journal.read(0)
        return [
            codec.decode(entry)
            for entry in entries
            if entry.kind not in ("message.requested", "message.sent")
        ]
