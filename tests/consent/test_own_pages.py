"""The pages in operators' own words and frame."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from door_calls import Doors
from sqlalchemy import Engine

from heliograph.accounts.directory import Directory
from heliograph.cli.main import loaded
from heliograph.clock import ManualClock
from heliograph.errors import OperatorError
from heliograph.inbound import consent
from heliograph.inbound.consent.words import LANGUAGES
from heliograph.journal.journal import Journal
from heliograph.refs import MessageRef, Refs
from heliograph.settings import Settings

ACCOUNT, OTHER = "000000000001", "000000000002"
FRAME = (
    '<html lang="{{ language }}"><style>{{style}}</style><img src="https://x.example/logo.png">'
    "<h1>{{ title }}</h1><p>{{ text }}</p>{{ content }}<i>{{ sender }}</i></html>"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pages"
    made.mkdir()
    return made


class Pages:
    """The doors over what stands in the folder."""

    def __init__(
        self, directory: Directory, refs: Refs, journal: Journal, clock: ManualClock, state: Engine
    ) -> None:
        self.parts = directory, refs, journal, clock, state
        self.refs = refs

    async def show(self, folder: Path, language: str, account: str = ACCOUNT, door: str = "u") -> str:
        said = consent.load_wordings(Settings(data=str(folder.parent)))
        ref = MessageRef(account, "018cc251-f400-7000-8000-000000000001", None)
        token = self.refs.confirm(ref) if door == "k" else self.refs.unsubscribe(ref)
        doors = Doors(consent.routes(*self.parts, said))
        reply = await doors.ask(f"/{door}/{token}", headers={"accept-language": language})
        self.headers = dict(reply.headers)
        return reply.body.decode()


@pytest.fixture
def pages(directory: Directory, refs: Refs, journal: Journal, clock: ManualClock, state: Engine) -> Pages:
    return Pages(directory, refs, journal, clock, state)


async def test_texts_and_frame_are_the_operators_and_what_they_do_not_say_is_ours(
    pages: Pages, folder: Path
) -> None:
    (folder / "de.toml").write_text('unsubscribe = "Tschüss, {sender} <3"\n')
    (folder / "page.html").write_text(FRAME)
    html = await pages.show(folder, "de")
    assert '<html lang="de">' in html and 'src="https://x.example/logo.png"' in html
    assert "<h1>Tschüss, Poe &amp; Sons &lt;Books&gt; &lt;3</h1>" in html
    assert "<i>Poe &amp; Sons &lt;Books&gt;</i>" in html and '<form method="post">' in html
    assert LANGUAGES["de"]["choose"] in html, "what was not said anew"
    assert "img-src https:" in pages.headers["content-security-policy"]
    assert "script-src" not in pages.headers["content-security-policy"]
    assert "<h1>Unsubscribe</h1>" in await pages.show(folder, "en")
    assert LANGUAGES["de"]["confirm_title"] in await pages.show(folder, "de", door="k")
    assert LANGUAGES["de"]["unknown_title"] in await pages.show(folder, "de", door="p")


async def test_an_account_has_pages_of_its_own_over_those_of_all(pages: Pages, folder: Path) -> None:
    (folder / "en.toml").write_text('unsubscribe = "Leave"\n')
    (folder / OTHER).mkdir()
    (folder / OTHER / "en.toml").write_text('choose = "Pick"\n')
    (folder / OTHER / "page.html").write_text(FRAME)
    theirs = await pages.show(folder, "en", OTHER)
    assert "logo.png" in theirs and "Leave" in theirs and "Pick" in theirs
    ours = await pages.show(folder, "en")
    assert "logo.png" not in ours and "Leave" in ours and "Pick" not in ours
    assert "img-src" not in pages.headers["content-security-policy"]


async def test_a_language_that_we_do_not_speak_is_added(pages: Pages, folder: Path) -> None:
    words = "\n".join(f'{name} = "§ {text}"' for name, text in LANGUAGES["en"].items())
    (folder / "cs.toml").write_text(words)
    html = await pages.show(folder, "cs")
    assert '<html lang="cs">' in html and "<h1>§ Unsubscribe</h1>" in html


@pytest.mark.parametrize(
    ("file", "content", "why"),
    [
        ("de.toml", "unsubscribe = ", "de.toml: Invalid"),
        ("de.toml", 'unsubscribed = "x"', "unsubscribed is not known"),
        ("de.toml", "unsubscribe = 3", "unsubscribe must be a text"),
        ("de.toml", 'unsubscribe = " "', "unsubscribe must be a text"),
        ("de.toml", 'unsubscribe = "{topic}"', r"unsubscribe has \{topic\}"),
        ("de.toml", 'unsubscribe = "{sender"', "a brace that is never closed"),
        ("de.toml", 'leave_topic = "{sender.__class__}"', "which is not known there"),
        ("cs.toml", 'unsubscribe = "x"', "a new language needs every text: us, ask_all"),
        ("page.html", "{{ title }}{{ text }}", r"\{\{ content \}\} is missing"),
        ("page.html", FRAME + "{{ tilte }}", r"\{\{ tilte \}\} is not known: known are language"),
        ("page.html", FRAME + "<script>", "none runs on these pages"),
        ("page.htm", "x", "is neither page.html"),
        ("deutsch.toml", "x", "is neither page.html"),
        ("page.html", b"\xff", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_with_its_file(folder: Path, file: str, content: str | bytes, why: str) -> None:
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(OperatorError, match=why) as refused:
        consent.load_wordings(Settings(data=str(folder.parent)))
    assert str(folder / file) in str(refused.value)
    told = CliRunner().invoke(loaded("check"), ["--data", str(folder.parent)])
    assert told.exit_code == 2 and str(folder / file) in told.output.replace("\n", "")


def test_a_folder_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="consent_pages: there is no directory"):
        consent.load_wordings(Settings(data=str(tmp_path), consent_pages=str(tmp_path / "none")))
