"""What others really said is kept, found by its id, and gone when its days are over or its person is erased."""

from __future__ import annotations

import base64
from pathlib import Path

from mailbox_world import ACCOUNT, ADDRESS, MESSAGE, World, notice

from heliograph.accounts.model import Account, Policy
from heliograph.clock import SECOND
from heliograph.events.messages import EmailReceived, MessageBounced
from heliograph.inbound.receipts import evidence
from heliograph.inbound.receipts.evidence import About, EvidenceFiles
from heliograph.journal.consumer import Erased
from heliograph.privacy.evidence import evidence_forgets, evidence_of, kept_days
from heliograph.privacy.words import Mask

DAY = 86_400 * SECOND
ANN = Erased(
    ACCOUNT, "00000000-0000-4000-8000-000000000001", (f"email:{ADDRESS}", f"message:{MESSAGE}"), False
)


async def test_a_notice_is_kept_as_it_came_before_its_event(world: World) -> None:
    raw = notice("postfix-unknown-user")
    event = await world.take(raw, world.return_path())
    assert event is not None
    assert isinstance(event.data, MessageBounced)
    kept = world.files.find(event.data.evidence, ACCOUNT)
    assert kept is not None
    assert kept.raw == raw
    assert kept.about.events == (event.id,)
    assert (kept.about.recipients, kept.about.ip, kept.about.sender) == (
        (world.return_path(),),
        "198.51.100.7",
        "",
    )
    assert world.files.find(event.data.evidence, "000000000002") is None, "it is another account's"
    assert world.files.find("../../state") is None


def test_what_is_too_large_is_kept_as_far_as_the_bound(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)
    raw = bytes(range(256)) * 8192
    kept = files.find(files.keep(ACCOUNT, raw, About(kind="mail", at=DAY)))
    assert kept is not None
    assert len(kept.raw) == evidence.LIMIT and kept.about.size == len(raw)


def test_a_file_that_is_damaged_is_no_evidence(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)
    kept = files.keep(ACCOUNT, b"x", About(kind="mail", at=DAY))
    (path,) = tmp_path.rglob("*.gz")
    path.write_bytes(path.read_bytes()[:12])
    assert files.find(kept) is None
    assert files.forget(ACCOUNT, [], lambda raw: True) == 0


def test_days_that_are_over_are_removed(tmp_path: Path) -> None:
    files = EvidenceFiles(tmp_path)
    old, new = (
        files.keep(ACCOUNT, raw, About(kind="mail", at=at))
        for raw, at in ((b"old", 9 * DAY), (b"new", 10 * DAY))
    )
    assert files.expire(ACCOUNT, 90, 100 * DAY) == 1
    assert files.find(old) is None and files.find(new) is not None
    assert files.expire("000000000002", 1, 100 * DAY) == 0


def test_evidence_is_never_kept_longer_than_events() -> None:
    assert kept_days(Account(number=ACCOUNT, store_id="A"), 90) == 90
    assert kept_days(Account(number=ACCOUNT, store_id="A", policy=Policy(retention_days=30)), 90) == 30


async def test_an_erasure_removes_what_their_events_name_and_what_speaks_of_them(world: World) -> None:
    """STD-7: by event, by plain words, and by words that a mail has encoded."""
    bounce = await world.take(notice("postfix-unknown-user"), world.return_path())
    assert bounce is not None
    assert isinstance(bounce.data, MessageBounced)
    hidden = b"Content-Transfer-Encoding: base64\nFrom: x@y.example\n\n" + base64.encodebytes(
        b"hello ann@x.example, how are you"
    )
    others = [await world.take(raw) for raw in (hidden, b"From: bob@x.example\n\nI am not joann@x.example")]
    await evidence_forgets(world.files)(ANN, [bounce.id], Mask(ANN))
    kept = [
        world.files.find(one.data.evidence) for one in others if one and isinstance(one.data, EmailReceived)
    ]
    assert world.files.find(bounce.data.evidence) is None
    assert kept[0] is None and kept[1] is not None


async def test_an_export_holds_the_mails_themselves(world: World) -> None:
    """STD-7."""
    await world.take(notice("postfix-unknown-user"), world.return_path())
    entries = await world.journal.read(0)
    (shown,) = evidence_of(world.files, ACCOUNT, entries)
    assert shown["text"] == notice("postfix-unknown-user").decode()
