"""`heliograph receipts`: one mail read by hand, and one that was kept."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from mailbox_world import ACCOUNT, HERE

from heliograph.cli.receipts import read, show
from heliograph.inbound.receipts.evidence import About, EvidenceFiles


def test_a_mail_is_shown_as_what_it_is_taken_for_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    read(HERE / "notices" / "postfix-unknown-user.eml")
    shown = capsys.readouterr().out
    for words in (
        "delivery status (RFC 3464)",
        "ann@x.example",
        "10 Invalid Recipient (hard)",
        "mail.x.example",
    ):
        assert words in shown
    assert "rule" in shown


def test_a_complaint_is_shown_with_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    read(HERE / "notices" / "arf-redacted.eml")
    shown = capsys.readouterr().out
    assert "complaint" in shown and "redacted" in shown


def test_a_mail_may_come_from_the_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"From: a@x.example\n\nhello")))
    read(Path("-"))
    assert "somebody wrote it" in capsys.readouterr().out


def test_a_file_that_is_not_there_is_said_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        read(Path("absent.eml"))
    assert left.value.code == 2
    assert "absent.eml cannot be read" in capsys.readouterr().err


def test_what_was_kept_is_written_as_it_came(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "state.db").touch()
    kept = EvidenceFiles(tmp_path).keep(ACCOUNT, b"From: x\n\n\xff\xfe", About(kind="mail", at=0))
    show(kept, data=str(tmp_path))
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"From: x\n\n\xff\xfe"
    with pytest.raises(SystemExit):
        show("0" * 32, data=str(tmp_path))
