"""A mail on which we fail does not keep the others up."""

from __future__ import annotations

from pathlib import Path

import pytest
from mailbox_world import World, notice
from test_maildir import delivered, names

from heliograph.inbound.receipts.mail import intake
from heliograph.inbound.receipts.mail.maildir import Maildir


async def test_a_mail_on_which_we_fail_is_left_and_the_others_go_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered(tmp_path / "box", "postfix-unknown-user", "auto-german")
    tell = intake.tell

    def failing(read_as: intake.Notice, *more: object) -> object:
        if read_as.what == "notice":
            raise ZeroDivisionError
        return tell(read_as, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(intake, "tell", failing)
    assert await Maildir(tmp_path / "box", world.intake, world.clock).empty() == 1
    (left,) = names(tmp_path / "box" / "new")
    assert (tmp_path / "box" / "new" / left).read_bytes() == notice("postfix-unknown-user")
