"""`heliograph templates` on a data directory, without a running engine."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from heliograph.accounts import keys
from heliograph.cli.main import loaded
from heliograph.database import METADATA, open_state

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
