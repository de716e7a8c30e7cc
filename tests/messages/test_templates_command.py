"""`heliograph templates` on a data directory, without a running engine."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path

from click.testing import CliRunner

from heliograph.accounts import keys
from heliograph.app.serve import prepare
from heliograph.cli.main import loaded
from heliograph.database import METADATA, open_state
from heliograph.events import codec
from heliograph.journal.reading import JournalReader
from heliograph.react.state import definitions
from heliograph.settings import Settings

HTML = "<style>p{color:red}</style><p>{{ event.id }}</p>"


def run(data: Path, *words: str) -> tuple[int, str]:
    found = CliRunner().invoke(loaded("templates"), [*words, "--data", str(data)])
    return found.exit_code, found.output


def test_files_are_checked_and_previewed_before_they_are_saved(tmp_path: Path) -> None:
    engine = open_state(tmp_path)
    METADATA.create_all(engine)
    assert keys.first_start(engine, tmp_path, "http://x.example", 0) is not None
    engine.dispose()
    html, into, context = tmp_path / "a.html", tmp_path / "out.html", tmp_path / "context.json"
    html.write_text(HTML)
    context.write_text(json.dumps({"event": {"id": 7}}))
    files = ("--subject", "Hi {{ person.first_name }}", "--html", str(html))
    code, told = run(tmp_path, "lint", *files)
    assert code == 0 and "warning html no_unsubscribe" in told
    code, told = run(tmp_path, "preview", *files, "--context", str(context), "--into", str(into))
    assert code == 0 and "subject: Hi Ada" in told
    assert into.read_text().endswith('<p style="color: red">7</p>')
    html.write_text("<p>\n{% if %}")
    code, told = run(tmp_path, "lint", *files)
    assert code == 1 and "error html:2:" in told


def test_files_go_with_a_template_and_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    prepare(Settings(data=str(tmp_path)))
    html, terms, logo = tmp_path / "a.html", tmp_path / "terms.pdf", tmp_path / "logo.png"
    html.write_text('<img src="cid:logo@shop.example" alt="Shop">{{ unsubscribe_url }}')
    terms.write_bytes(b"%PDF")
    logo.write_bytes(b"PNG")
    save = ("save", "order", "--subject", "Yours", "--html", str(html))
    code, told = run(tmp_path, *save, "--attach", str(terms), "--attach", f"logo@shop.example={logo}")
    assert code == 0, told
    asyncio.run(rest(tmp_path))
    code, told = run(tmp_path, "show", "order")
    kept = json.loads(told)["settings"]["attachments"]
    assert [(one["name"], one["content_type"], one.get("content_id", "")) for one in kept] == [
        ("terms.pdf", "application/pdf", ""),
        ("logo.png", "image/png", "logo@shop.example"),
    ]
    assert [base64.b64decode(one["content"]) for one in kept] == [b"%PDF", b"PNG"]
    code, told = run(tmp_path, *save, "--attach", str(tmp_path / "none.pdf"))
    assert code == 2 and "none.pdf cannot be read" in told.replace("\n", "")
    code, told = run(tmp_path, *save, "--attach", "http://169.254.169.254/latest")
    assert code == 2 and "metadata" in told.replace("\n", " ")


async def rest(data: Path) -> None:
    """Have what was recorded folded, as the engine would."""
    state, journal = open_state(data), JournalReader(data)
    events = [codec.decode(entry) for entry in await journal.read(0)]
    await journal.close()
    with state.begin() as connection:
        definitions.FOLD.apply(connection, [one for one in events if one.kind in definitions.FOLD.kinds])
    state.dispose()
