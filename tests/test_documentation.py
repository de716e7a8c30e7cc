"""Documents that cannot fall behind: what they name exists, and what exists is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
IDS = {
    **{f"LIT-{n}": 0 for n in range(1, 18)},
    **{f"SNS-{n}": 0 for n in range(1, 12)},
    **{f"SQS-{n}": 0 for n in range(1, 12)},
    **{f"MG-{n}": 0 for n in range(1, 14)},
    **{f"PER-{n}": 0 for n in range(1, 16)},
    **{f"RM-{n}": 0 for n in range(1, 25)},
    **{f"STD-{n}": 0 for n in range(1, 10)},
}


def behaviours() -> list[tuple[str, str, str, str]]:
    rows = []
    for line in (ROOT / "docs" / "behaviours.md").read_text().splitlines():
        if re.match(r"\| [A-Z]+-\d+ \|", line):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            assert len(cells) == 4, line
            rows.append((cells[0], cells[1], cells[2], cells[3]))
    return rows


def names_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_behaviour_is_in_the_table_once() -> None:
    assert sorted(row[0] for row in behaviours()) == sorted(IDS)


@pytest.mark.parametrize("row", behaviours(), ids=lambda row: row[0])
def test_a_behaviour_that_is_called_proved_names_tests_that_exist(row: tuple[str, str, str, str]) -> None:
    _, sentence, state, proof = row
    assert sentence.endswith(".") and state in {"proved", "partly", "planned"}
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", proof)
    assert bool(named) == (state != "planned"), "proved and partly name a test, planned names none"
    for file, test in named:
        path = ROOT / "tests" / file
        assert path.exists() and test.startswith("test_") and test in names_in(path), f"{file}::{test}"


def test_links_between_documents_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
