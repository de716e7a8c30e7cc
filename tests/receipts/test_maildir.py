"""A real maildir, written by the standard library's: what is new is taken once, whatever happens in between."""

from __future__ import annotations

import mailbox
from pathlib import Path
from typing import Any

import pytest
from mailbox_world import World, notice
from test_receiver import FullJournal

from heliograph.errors import OperatorError, Unavailable
from heliograph.inbound.receipts.mail.maildir import Maildir


def delivered(path: Path, *files: str) -> mailbox.Maildir:
    """A maildir in which these notices have come."""
    box = mailbox.Maildir(path, create=True)
    for file in files:
        box.add(notice(file))
    return box


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.iterdir())


async def test_what_is_new_is_taken_and_moved_to_cur_as_seen(world: World, tmp_path: Path) -> None:
    box = delivered(tmp_path / "box", "postfix-unknown-user", "auto-german")
    maildir = Maildir(tmp_path / "box", world.intake, world.clock)
    assert await maildir.empty() == 2
    assert await maildir.empty() == 0
    assert sorted(event.kind for event in await world.told()) == ["email.received", "message.bounced"]
    assert names(tmp_path / "box" / "new") == []
    assert [message.get_flags() for message in box] == ["S", "S"]


async def test_what_was_taken_can_be_removed(world: World, tmp_path: Path) -> None:
    delivered(tmp_path / "box", "postfix-unknown-user")
    await Maildir(tmp_path / "box", world.intake, world.clock, remove=True).empty()
    assert names(tmp_path / "box" / "new") == names(tmp_path / "box" / "cur") == []
    assert len(await world.told()) == 1


async def test_a_crash_before_it_was_moved_records_nothing_twice(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(tmp_path / "box", "postfix-unknown-user", "auto-german")
    maildir = Maildir(tmp_path / "box", world.intake, world.clock)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(maildir, "_done", crash)
        with pytest.raises(KeyboardInterrupt):
            await maildir.empty()
    assert len(await world.told()) == 1, "recorded, and not moved"
    assert await maildir.empty() == 2
    assert len(await world.told()) == 2


async def test_nothing_is_moved_that_could_not_be_recorded(tmp_path: Path) -> None:
    delivered(tmp_path / "box", "postfix-unknown-user")
    world = World(tmp_path, journal=FullJournal())
    with pytest.raises(Unavailable):
        await Maildir(tmp_path / "box", world.intake, world.clock).empty()
    assert len(names(tmp_path / "box" / "new")) == 1


async def test_what_cannot_be_read_keeps_nobody_up(world: World, tmp_path: Path) -> None:
    delivered(tmp_path / "box", "auto-german")
    (tmp_path / "box" / "new" / "0.directory").mkdir()
    assert await Maildir(tmp_path / "box", world.intake, world.clock).empty() == 1
    assert names(tmp_path / "box" / "new") == ["0.directory"]


async def test_what_is_no_maildir_is_refused_by_name(world: World, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="is no maildir"):
        Maildir(tmp_path, world.intake, world.clock)
