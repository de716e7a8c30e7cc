"""The house as `docs/architecture.md` draws it, held against the code. Standard library only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "heliograph"

Layers = tuple[tuple[str, ...], ...]

LAYERS: Layers = (
    ("__main__",),
    ("cli",),
    ("demo",),
    ("app",),
    ("retention",),
    ("console", "api", "porting", "webservice"),
    ("privacy",),
    (
        "inbound.collect",
        "inbound.tracking",
        "inbound.consent",
        "inbound.receipts",
        "react.automations",
        "react.policies",
        "react.judgement",
        "react.identities",
        "react.readtimes",
        "outbound.messages",
        "outbound.jobs",
        "outbound.records",
        "outbound.feeds",
        "outbound.calls",
        "outbound.queues",
        "outbound.images",
        "outbound.topics",
        "outbound.daily",
    ),
    ("react.state",),
    ("journal",),
    ("events",),
    ("aws",),
    ("accounts",),
    (
        "web",
        "refs",
        "egress",
        "readers",
        "bounces",
        "queues",
        "slots",
        "hooks",
        "merge_tags",
        "senders",
        "spreadsheets",
        "rowfiles",
        "phones",
        "attachments",
        "url_parameters",
        "xml_fields",
    ),
    ("settings", "signing", "clock", "errors", "database", "migrations", "supervisor", "logs"),
)
"""Top may import below; names on one line are strangers to each other."""

MAY_KNOW_EACH_OTHER = {frozenset(("settings", "errors")), frozenset(("supervisor", "errors"))}
"""On the lowest line the only acquaintance: everything may raise what `errors` names."""

MESSAGES: Layers = (
    ("dispatch", "web_copy"),
    ("told", "sent"),
    ("attempts", "permission", "texts"),
    ("making", "authoring"),
    ("channels", "facts"),
    ("mail",),
    ("templates",),
)
"""The same order within `outbound.messages`: of its rooms, and of the modules that are in none."""

FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc", "base", "core", "shared", "lib"}
MODULE_LINES = 400
FUNCTION_LINES = 40

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)


def name_of(path: Path) -> str:
    parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def place_of(module: str, layers: Layers = LAYERS) -> tuple[int, str] | None:
    for depth, names in enumerate(layers):
        for name in names:
            if module == name or module.startswith(name + "."):
                return depth, name
    return None


def imports_of(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("heliograph."):
                yield name.removeprefix("heliograph."), node.lineno


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def resolve(target: str) -> str:
    """An import of a name inside a module is an import of the module."""
    while target and place_of(target) is None and "." in target:
        target = target.rpartition(".")[0]
    return target


def drawings() -> list[str]:
    """The blocks of `docs/architecture.md`: the house, who may import whom, and the same within `outbound.messages`."""
    return re.findall(
        r"^```\n(.*?)^```", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE | re.DOTALL
    )


def layers_of(drawing: str) -> list[set[str]]:
    lines = re.sub(r"\|\s*\n", "| ", drawing).splitlines()
    return [set(re.split(r"\s*\|\s*", line.strip())) for line in lines]


def test_the_document_draws_the_layers_that_hold() -> None:
    held = [{"inbound.*" if name.startswith("inbound.") else name for name in names} for names in LAYERS[1:]]
    assert layers_of(drawings()[1]) == held
    assert layers_of(drawings()[2]) == [set(names) for names in MESSAGES]


def test_the_document_names_every_room_of_the_house() -> None:
    rooms = {path.name + "/" if path.is_dir() else path.name for path in PACKAGE.iterdir()}
    drawn = set(re.findall(r" {2}([a-z_]+(?:/|\.py))(?=\s)", drawings()[0]))
    files = {"__init__.py", "__main__.py", "__pycache__/", "py.typed", "senders.toml"}
    assert rooms - files == drawn


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_from_below_and_never_a_stranger(path: Path) -> None:
    own = place_of(name_of(path))
    if own is None:
        assert path.name == "__init__.py", f"{path} has no place in the house"
        assert not list(imports_of(parsed(path))), f"{path} only names a floor: it imports nothing"
        return
    for target, line in imports_of(parsed(path)):
        other = place_of(resolve(target))
        if other is None or other == own:
            continue
        if frozenset((own[1], other[1])) in MAY_KNOW_EACH_OTHER:
            continue
        assert other[0] > own[0], f"{path}:{line}: {own[1]} may not import {other[1]}"


def test_the_rooms_of_messages_import_only_from_below_and_never_a_stranger() -> None:
    within = "outbound.messages."

    def room_of(module: str) -> tuple[int, str] | None:
        return place_of(module.removeprefix(within), MESSAGES) if module.startswith(within) else None

    inside = {name_of(path): path for path in MODULES if name_of(path).startswith(within)}
    rooms = {module.removeprefix(within).partition(".")[0] for module in inside}
    assert rooms == {name for names in MESSAGES for name in names}
    for module, path in inside.items():
        own = room_of(module)
        for target, line in imports_of(parsed(path)):
            other = room_of(target)
            if own is None or other is None or other == own:
                continue
            assert other[0] > own[0], f"{path}:{line}: {own[1]} may not import {other[1]}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_and_stays_a_room(path: Path) -> None:
    tree = parsed(path)
    assert ast.get_docstring(tree), f"{path} has no docstring"
    assert len(path.read_text().splitlines()) <= MODULE_LINES, f"{path} has grown beyond a room"
    assert not FORBIDDEN_NAMES & set(path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            assert lines <= FUNCTION_LINES, f"{path}:{node.lineno}: {node.name} has {lines} lines"
            inside = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
            assert not inside, f"{path}:{node.lineno}: {node.name} imports inside itself"


def test_modules_import_each_other_without_cycles() -> None:
    known = {name_of(path) for path in MODULES}
    graph: dict[str, set[str]] = {}
    for path in MODULES:
        targets = set()
        for target, _ in imports_of(parsed(path)):
            module = target if target in known else target.rpartition(".")[0]
            if module in known and module != name_of(path):
                targets.add(module)
        graph[name_of(path)] = targets
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in graph[module]:
                visit(target, (*trail, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_only_a_clock_asks_what_time_it_is() -> None:
    """Time is passed in: a two-hour schedule can be tested in milliseconds."""
    asking = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow"}
    for path in MODULES:
        if name_of(path) in {"clock", "demo"} or name_of(path).startswith("demo."):
            continue
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in asking:
                pytest.fail(f"{path}:{node.lineno} asks the operating system: {ast.unparse(node)}")


def test_the_project_speaks_of_itself_alone() -> None:
    """No paths of one machine and no package-registry hosts in anything that is kept."""
    kept = [
        *MODULES,
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("requirements/*"),
        ROOT / "Makefile",
        ROOT / "pyproject.toml",
    ]
    words = ["/" + "root/", "/" + "work/", "pypi" + ".org", "pythonhosted" + ".org", "npm" + "js.com"]
    for path in kept:
        text = path.read_text()
        for word in words:
            assert word not in text, f"{path} has {word}"
