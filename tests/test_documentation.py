"""Documents that cannot fall behind: what they name exists, and what exists is named."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from heliograph.app import subscription_topics
from heliograph.react.automations import definition

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


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / "README.md").read_text()))
    pages = {str(page.relative_to(ROOT)) for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]}
    assert pages - linked == {"README.md"}


def test_links_to_a_heading_find_it() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target, heading in re.findall(r"\]\((?!https?:)([^)#]*)#([^)]+)\)", page.read_text()):
            assert heading in headings(page.parent / target if target else page), f"{page.name}: #{heading}"


def headings(page: Path) -> set[str]:
    """The headings of a page as links name them: lower case, hyphens for blanks, no punctuation."""
    lines = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


def test_every_figure_is_described_and_every_described_figure_exists() -> None:
    counted = {name for path in ROOT.glob("heliograph/**/*.py") for name in figures_in(path)}
    table = re.findall(
        r"^\| `(heliograph_\w+)` \|", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE
    )
    assert sorted(table) == sorted(counted)
    for page in ROOT.glob("docs/**/*.md"):
        named = re.findall(r"`(heliograph_\w+)[`{]", page.read_text())
        assert set(named) <= counted | {"heliograph_message"}, page.name  # how SES is told a message's id


def figures_in(path: Path) -> Iterator[str]:
    """The names of a module's metrics, as Prometheus shows them."""
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=kind), args=[ast.Constant(value=str(name)), *_]):
                if name.startswith("heliograph_"):
                    yield f"{name}_total" if kind.endswith("Counter") else name


def test_the_glossary_is_in_order_and_explains_each_word_once() -> None:
    words = re.findall(r"^\*\*(.+?)\*\*", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert words == sorted(words, key=str.lower)
    assert len(words) == len(set(words))


def test_every_source_that_is_cited_is_named() -> None:
    page = (ROOT / "docs" / "sources.md").read_text()
    chapters = set(
        re.findall(r"\b\d+(?:\.\d+)?b?\b", " ".join(re.findall(r"^\| (wire-facts [^|]+) \|", page, re.M)))
    )
    for path in [
        *ROOT.glob("heliograph/**/*.py"),
        *ROOT.glob("heliograph/**/*.toml"),
        *ROOT.glob("tests/**/*.py"),
    ]:
        text = path.read_text()
        assert set(re.findall(r"\bwire-facts (\d+(?:\.\d+)?b?)", text)) <= chapters, path
        assert all(f"| {name} |" in page for name in re.findall(r"\b(S\d):L\d", text)), path


def written_in(language: str) -> list[tuple[str, str]]:
    """The blocks of a language in all pages: the page's name and what stands there."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    block = re.compile(rf"^```{language}[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
    return [(page.name, body) for page in pages for body in block.findall(page.read_text())]


def test_automations_of_the_pages_can_be_applied_as_they_stand() -> None:
    whole = [
        (page, said)
        for page, said in written_in("yaml")
        if isinstance(read := yaml.safe_load(said), dict) and {"name", "trigger", "steps"} <= read.keys()
    ]
    assert {page for page, _ in whole} >= {"README.md", "automations.md", "web-tracking.md"}
    for _, said in whole:
        definition.saving(said, by="test")


def test_the_topics_of_the_page_can_be_applied_as_they_stand(tmp_path: Path) -> None:
    (said,) = [said for page, said in written_in("yaml") if page == "preferences.md"]
    file = tmp_path / "topics.yaml"
    file.write_text(said)
    news, offers = subscription_topics.load(file)
    assert news.descriptions == {"en": "What is new, every week"} and not offers.default


def test_json_and_toml_of_the_pages_are_such() -> None:
    for page, said in written_in("json"):
        assert json.loads(said) is not None, page
    for page, said in written_in("toml"):
        assert tomllib.loads(said), page
