"""A definition as somebody wrote it, in YAML or JSON: what it says, and in which line a path stands.

Read as YAML 1.2 has it where 1.1 surprises: `until: 10:00` is a time and not six hundred, a date stays the text that it
is. A key that is there twice is refused, for one of the two would not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import yaml

from heliograph.errors import BadRequest

MOST_NODES = 20_000
"""Values of a definition, those that aliases repeat counted again: what is larger was made to fill the memory."""

_INDEX = re.compile(r"\[(\d{1,6})\]")
_INT, _FLOAT, _TIMESTAMP = (f"tag:yaml.org,2002:{name}" for name in ("int", "float", "timestamp"))


class _Loader(yaml.SafeLoader):
    """Numbers and texts, as JSON would have them."""

    yaml_implicit_resolvers = {
        letter: [one for one in found if one[0] not in (_INT, _FLOAT, _TIMESTAMP)]
        for letter, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(_INT, re.compile(r"[-+]?(?:0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(
    _FLOAT,
    re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"),
    list("-+0123456789."),
)


def read(text: str) -> dict[str, Any]:
    """What a text says, as JSON would. Raises `BadRequest` with the line of what cannot be read."""
    try:
        _check(_composed(text))
        said: Any = yaml.load(_spaced(text), Loader=_Loader)  # noqa: S506 - a safe loader
        # Through JSON, as it will be stored: what JSON cannot say is refused.
        said = msgspec.json.decode(msgspec.json.encode(said))
    except yaml.MarkedYAMLError as error:
        reason = " ".join(part for part in (error.context, error.problem) if part)
        raise BadRequest(f"It cannot be read as YAML or JSON: {reason}{_at(error.problem_mark)}.") from error
    except (ValueError, TypeError, RecursionError, yaml.YAMLError) as error:
        raise BadRequest(f"It cannot be read as YAML or JSON: {error}.") from error
    if not isinstance(said, dict):
        raise BadRequest("A definition is an object of names and values.")
    return said


@contextmanager
def placed(text: str) -> Iterator[None]:
    """Errors about what this text says name its line too."""
    try:
        yield
    except BadRequest as error:
        raise BadRequest(f"{error.message} ({_place(text, error.field)})", field=error.field) from error


@contextmanager
def below(name: str) -> Iterator[None]:
    """Paths of what is wrong lead through this name."""
    try:
        yield
    except BadRequest as error:
        raise BadRequest(error.message, field=f"{name}.{error.field}" if error.field else name) from error


def _place(text: str, path: str | None) -> str:
    """Where a path stands, as `line 3, column 5`; as far as there is anything of it."""
    node = _composed(text)
    mark = node.start_mark
    for step in _steps(path or ""):
        found = _below(node, step)
        if found is None:
            break
        mark, node = found
    return f"line {mark.line + 1}, column {mark.column + 1}"


def _composed(text: str) -> Any:
    return yaml.compose(_spaced(text), Loader=_Loader)


def _spaced(text: str) -> str:
    """JSON may be indented by tabs, which YAML knows nothing of; within its texts there are none."""
    return text.replace("\t", " ") if text.lstrip().startswith("{") else text


def _steps(path: str) -> Iterator[str | int]:
    """`steps[1].wait` as its names and numbers."""
    for part in _INDEX.sub(r".[\1]", path).split("."):
        number = _INDEX.fullmatch(part)
        if part:
            yield int(number[1]) if number else part


def _below(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(step, int):
        inside = isinstance(node, yaml.SequenceNode) and step < len(node.value)
        return (node.value[step].start_mark, node.value[step]) if inside else None
    if not isinstance(node, yaml.MappingNode):
        return None
    return next(((key.start_mark, value) for key, value in node.value if _names(key.value, step)), None)


def _names(key: Any, step: str) -> bool:
    # The paths that `where` asks for have dots themselves: the first of their names leads to them.
    return bool(key == step or (isinstance(key, str) and key.startswith(f"{step}.")))


def _check(root: Any) -> None:
    """Raises where a key is there twice, and where aliases make more of a text than it is."""
    waiting, seen = [root], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MOST_NODES:
            raise BadRequest(f"A definition has {MOST_NODES:,} values at most.")
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            keys: set[Any] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in keys:
                    raise BadRequest(f"{key.value!r} is there twice{_at(key.start_mark)}.")
                keys.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
                waiting.append(value)


def _at(mark: Any) -> str:
    return "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
