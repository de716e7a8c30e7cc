"""Mending: a document whose fields have types that nobody expects, made to fit, each oddity named.

Only what does not fit is touched: a number where text belongs becomes text, PHP's `{"0": ..., "1": ...}` becomes
the array it was, and what nothing can be made of is left out. Unknown fields stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple, get_args, get_origin

import msgspec

from heliograph.inbound.collect.findings import Findings

MOST_ITEMS = 10_000
"""Lines of an order that are looked through one by one. Nobody buys more, and looking takes time."""

_LEFT_OUT = object()


class Remedy(NamedTuple):
    """Something to put right in a document: where, and the right text; None: leave it out."""

    path: tuple[str, ...]
    value: str | None


def fit(document: dict[str, Any], struct: type[msgspec.Struct], findings: Findings) -> dict[str, Any]:
    """The document with every known field of a type that `struct` takes; faults go to `findings`."""
    return _object(document, struct, "", findings)


def apply(remedies: Iterable[Remedy], document: dict[str, Any]) -> dict[str, Any]:
    """The document with each remedy's value in place. It is changed."""
    for path, value in remedies:
        holder = document
        for name in path[:-1]:
            holder = holder[name]
        if value is None:
            del holder[path[-1]]
        else:
            holder[path[-1]] = value
    return document


def _object(
    document: dict[str, Any], struct: type[msgspec.Struct], path: str, findings: Findings
) -> dict[str, Any]:
    types = _types(struct)
    fitted: dict[str, Any] = {}
    for name, value in document.items():
        kept = _value(value, types[name], f"{path}{name}", findings) if name in types else value
        if kept is not _LEFT_OUT:
            fitted[name] = kept
    return fitted


def _value(value: Any, hint: Any, path: str, findings: Findings) -> Any:
    if _fits(value, hint):
        return value
    struct, listed = _inside(hint)
    if struct is not None and not listed and isinstance(value, dict):
        return _object(value, struct, path + ".", findings)
    if listed and isinstance(value, dict) and value and all(key.isdigit() for key in value):
        findings.fault(path, "expected an array, got an object with numbered keys; taken as an array")
        value = list(value.values())
    if struct is not None and listed and isinstance(value, list) and len(value) <= MOST_ITEMS:
        return _items(value, struct, path, findings)
    if _fits("", hint) and isinstance(value, int | float) and not isinstance(value, bool):
        findings.fault(path, "expected text, got a number; taken as text")
        return str(value)
    if listed and _fits(value, hint):
        return value
    if value not in ([], {}):  # PHP writes an empty map as an empty array, and the other way round
        findings.fault(path, f"expected {_wanted(hint)}, got {_NAMES[type(value)]}; left out")
    return _LEFT_OUT


def _items(values: list[Any], struct: type[msgspec.Struct], path: str, findings: Findings) -> list[Any]:
    fitted = []
    for place, value in enumerate(values):
        if _fits(value, struct):
            fitted.append(value)
        elif isinstance(value, dict):
            fitted.append(_object(value, struct, f"{path}[{place}].", findings))
        else:
            findings.fault(f"{path}[{place}]", f"expected an object, got {_NAMES[type(value)]}; left out")
    return fitted


def _fits(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint)
    except msgspec.ValidationError:
        return False
    return True


_NAMES: dict[type, str] = {
    str: "text",
    int: "a number",
    float: "a number",
    bool: "a boolean",
    type(None): "null",
    list: "an array",
    dict: "an object",
}


def _wanted(hint: Any) -> str:
    found = []
    for part in get_args(hint) or (hint,):
        kind = get_origin(part) or part
        is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct)
        found.append(_NAMES.get(dict if is_struct else kind, ""))
    return " or ".join(dict.fromkeys(name for name in found if name and name != "null"))


@cache
def _types(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {field.encode_name: field.type for field in msgspec.structs.fields(struct)}


@cache
def _inside(hint: Any) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct that a field holds, if any, and whether it holds a list."""
    for part in get_args(hint) or (hint,):
        if get_origin(part) is list:
            item = get_args(part)[0]
            return (item if isinstance(item, type) and issubclass(item, msgspec.Struct) else None), True
        if isinstance(part, type) and issubclass(part, msgspec.Struct):
            return part, False
    return None, False
