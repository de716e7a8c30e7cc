"""Filters on what is known: `where` of automations, `who` of segments, and whether properties match them. Pure.

    where:
      total_price: {gte: 50}            numbers compare with money sent as text (RM-23)
      currency: EUR                     a plain value: equal
      customer.tags: {contains: vip}    a path into objects; through a list it means any element
      line_items.sku: {in: [A1, A2]}
      line_items: {any: {sku: A1, quantity: {gt: 1}}}     one and the same element
      coupon: {exists: false}

All conditions must hold. Where there is something that was said before, `{said: variant_id}` is what stood there
(`bound`): the same value, or anything where nothing stood. Ids and flags are compared as tolerantly as they are read
(RM-8): `7` equals "7", `true` equals "yes".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from heliograph.errors import BadRequest
from heliograph.events.commerce import amount, instant
from heliograph.events.people import flag, text_id

Test = Callable[[list[Any], Any], bool]

_WHOLE = re.compile(r"-?\d{1,40}", re.ASCII)


SAID = "said"
"""The operator that compares with what was said before, at the path that is its operand."""


class Condition(NamedTuple):
    """One test: the values at `path` against `operand`."""

    path: str
    operator: str
    operand: Any


def compile_where(where: Mapping[str, Any], at: str, *, before: bool = False) -> tuple[Condition, ...]:
    """The conditions of a `where`. `before`: there is something that was said before. Raises `BadRequest` naming the path
    (below `at`) and what would be right."""
    found: list[Condition] = []
    for path, wanted in where.items():
        if not path or "" in path.split("."):
            raise BadRequest("A property's path is names with dots between them.", field=f"{at}.{path}")
        if not isinstance(wanted, dict):
            found.append(Condition(path, "eq", _plain(wanted, f"{at}.{path}")))
            continue
        if not wanted:
            raise BadRequest(f"Say how to compare: {_OPERATORS}.", field=f"{at}.{path}")
        for operator, operand in wanted.items():
            place = f"{at}.{path}.{operator}"
            found.append(Condition(path, operator, _operand(operator, operand, place, before=before)))
    return tuple(found)


def relative(condition: Condition) -> bool:
    """Whether it compares with what was said before."""
    return condition.operator == SAID or (
        condition.operator == "any" and any(map(relative, condition.operand))
    )


def bound(where: tuple[Condition, ...], said: Mapping[str, Any]) -> tuple[Condition, ...]:
    """The conditions, compared with what was said before; where that says nothing, nothing is asked."""
    found: list[Condition] = []
    for one in where:
        if one.operator == "any":
            found.append(one._replace(operand=bound(one.operand, said)))
        elif one.operator != SAID:
            found.append(one)
        elif wanted := [*_ids(values(said, one.operand))]:
            found.append(Condition(one.path, "in", wanted))
    return tuple(found)


def _ids(found: Iterator[Any]) -> Iterator[str]:
    for value in _flat(found):
        if isinstance(value, str | int | float) and (id_ := text_id(value)) is not None:
            yield id_


def matches(where: tuple[Condition, ...], properties: Mapping[str, Any]) -> bool:
    """Whether all conditions hold for these properties."""
    return all(
        TESTS[condition.operator](list(values(properties, condition.path)), condition.operand)
        for condition in where
    )


def failing(where: tuple[Condition, ...], properties: Mapping[str, Any]) -> str | None:
    """Which condition does not hold, and what stands there instead, in words; None where all hold."""
    for condition in where:
        found = list(values(properties, condition.path))
        if not TESTS[condition.operator](found, condition.operand):
            there = ", ".join(_shown(value) for value in found[:3]) or "not there"
            return f"{condition.path} is {there}, wanted {condition.operator} {_shown(condition.operand)}"
    return None


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:77] + "..."


def values(properties: Any, path: str) -> Iterator[Any]:
    """What is found at a dotted path: nothing, one value, or several where it leads through lists.

    A name that itself has dots is found first (`utm.source` of a custom event)."""
    if isinstance(properties, list):
        head, _, rest = path.partition(".")
        if head.isascii() and head.isdigit():
            chosen = properties[int(head)] if len(head) < 9 and int(head) < len(properties) else None
            yield from (values(chosen, rest) if rest else _leaf(chosen))
            return
        for element in properties:
            yield from values(element, path)
        return
    if not isinstance(properties, Mapping):
        return
    if path in properties:
        yield from _leaf(properties[path])
        return
    head, dot, rest = path.partition(".")
    if dot and head in properties:
        yield from values(properties[head], rest)


def first(properties: Mapping[str, Any], path: str) -> Any:
    """The first value at a path; None when there is none."""
    return next(values(properties, path), None)


def _leaf(value: Any) -> Iterator[Any]:
    if value is not None:
        yield value


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return isinstance(value, bool | str | int) and flag(value) is wanted
    if isinstance(wanted, int | float):
        return _number(value) == wanted
    if isinstance(wanted, str) and isinstance(value, int | float):
        return wanted in (text_id(value), str(value))
    return bool(value == wanted)


def _number(value: Any) -> int | float | None:
    """A number, or text that is one; whole numbers exactly: ids go beyond what a float can tell apart."""
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else amount(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _compared(value: Any, wanted: Any) -> int | None:
    """Below 0, 0, above 0; None where the two cannot be compared: then no comparison holds."""
    left: Any
    right: Any
    if isinstance(wanted, str):
        if not isinstance(value, str):
            return None
        left, right = instant(value), instant(wanted)
        if left is None or right is None:
            left, right = value, wanted
    else:
        left, right = _number(value), wanted
    return None if left is None else (left > right) - (left < right)


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, str):
        return isinstance(wanted, str) and wanted.casefold() in value.casefold()
    return isinstance(value, list) and any(_equal(element, wanted) for element in value)


def _any_compared(holds: Callable[[int], bool]) -> Test:
    def test(found: list[Any], wanted: Any) -> bool:
        orders = (_compared(value, wanted) for value in _flat(found))
        return any(order is not None and holds(order) for order in orders)

    return test


def _any_equal(found: list[Any], wanted: Any) -> bool:
    if wanted is None:
        return not found
    return any(_equal(value, wanted) for value in (*found, *_flat(found)))


def _flat(found: Iterable[Any]) -> Iterator[Any]:
    for value in found:
        yield from value if isinstance(value, list) else (value,)


def _any_of(found: list[Any], wanted: list[Any]) -> bool:
    return any(_any_equal(found, one) for one in wanted)


def _any_element(found: list[Any], wanted: tuple[Condition, ...]) -> bool:
    return any(isinstance(element, Mapping) and matches(wanted, element) for element in _flat(found))


TESTS: Mapping[str, Test] = {
    "eq": _any_equal,
    "in": _any_of,
    "not_in": lambda found, wanted: not _any_of(found, wanted),
    "gt": _any_compared(lambda order: order > 0),
    "gte": _any_compared(lambda order: order >= 0),
    "lt": _any_compared(lambda order: order < 0),
    "lte": _any_compared(lambda order: order <= 0),
    "exists": lambda found, wanted: bool(found) is wanted,
    "contains": lambda found, wanted: any(_contains(value, wanted) for value in found),
    "any": _any_element,
}
"""Operator -> test of the values found. Null counts as not there."""

_OPERATORS = ", ".join(TESTS)


def _operand(operator: str, operand: Any, at: str, *, before: bool) -> Any:
    if operator == SAID:
        return _path_before(operand, at, before=before)
    if operator not in TESTS:
        raise BadRequest(f"There is no operator {operator!r}; there are {_OPERATORS}.", field=at)
    if operator == "any":
        if not isinstance(operand, dict) or not operand:
            raise BadRequest("any wants conditions that one element has to meet.", field=at)
        if any(isinstance(one, dict) and "any" in one for one in operand.values()):
            raise BadRequest("any stands in no other any.", field=at)
        return compile_where(operand, at, before=before)
    if operator in ("in", "not_in"):
        if not isinstance(operand, list):
            raise BadRequest(f"{operator} wants a list of values.", field=at)
        return [_plain(one, f"{at}[{index}]") for index, one in enumerate(operand)]
    if operator == "exists" and not isinstance(operand, bool):
        raise BadRequest("exists wants true or false.", field=at)
    if operator in ("gt", "gte", "lt", "lte") and (
        isinstance(operand, bool) or not isinstance(operand, str | int | float)
    ):
        raise BadRequest(f"{operator} wants a number, or a date as text.", field=at)
    return _plain(operand, at)


def _path_before(operand: Any, at: str, *, before: bool) -> str:
    if not before:
        raise BadRequest(
            "said compares with what began a run: only cancel_on, goals and wait_for know that.", field=at
        )
    if not isinstance(operand, str) or "" in operand.split("."):
        raise BadRequest("said wants the path of a property, names with dots between them.", field=at)
    return operand


def _plain(value: Any, at: str) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise BadRequest("A property is compared with a text, a number, true, false or null.", field=at)
