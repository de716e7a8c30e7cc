"""Filter policies: which messages a subscription wants, by their attributes or by the JSON in their bodies (Amazon's
guide, "Amazon SNS subscription filter policies"). Pure.

All keys must match; of a key's conditions one is enough, and of an array's elements one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from heliograph.aws.faults import AwsFault

MOST_KEYS = 5
MOST_BYTES = 30_720

_COMPARED: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda value, wanted: value.casefold() == wanted.casefold(),
}


def read_filter(text: str, scope: str) -> dict[str, Any]:
    """A filter policy from its JSON. Raises `AwsFault` for what it cannot say."""
    try:
        policy = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise _invalid(str(error)) from error
    if len(text.encode()) > MOST_BYTES or len(policy) > MOST_KEYS:
        raise _invalid(f"at most {MOST_KEYS} keys and {MOST_BYTES} bytes")
    try:
        _check(policy, nested=scope == "MessageBody")
    except RecursionError as error:
        raise _invalid("it is nested too deeply") from error
    return policy


def wants(
    policy: Mapping[str, Any], scope: str, body: str, attributes: Mapping[str, Mapping[str, str]]
) -> bool:
    """Whether a message passes. A body that is no JSON object passes no filter on bodies."""
    if scope != "MessageBody":
        return _matches(policy, {name: _value(one) for name, one in attributes.items()})
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        return False
    return _matches(policy, said)


def _value(attribute: Mapping[str, str]) -> Any:
    """An attribute as what conditions are about: a number, a list (`String.Array`), or text."""
    kind, text = attribute["DataType"], attribute.get("StringValue", "")
    if kind in ("Number", "String.Array"):
        try:
            return float(text) if kind == "Number" else msgspec.json.decode(text)
        except (ValueError, msgspec.MsgspecError, RecursionError):
            return text
    return None if kind.startswith("Binary") else text


def _matches(policy: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
    return all(_key_matches(wanted, said, name) for name, wanted in policy.items())


def _key_matches(wanted: Any, said: Mapping[str, Any], name: str) -> bool:
    if isinstance(wanted, Mapping):
        inside = said.get(name)
        return isinstance(inside, Mapping) and _matches(wanted, inside)
    there = name in said
    value = said.get(name)
    values = value if isinstance(value, list) else [value]
    for condition in wanted:
        if isinstance(condition, Mapping) and "exists" in condition:
            if condition["exists"] is there:
                return True
        elif there and any(_holds(condition, one) for one in values):
            return True
    return False


def _holds(condition: Any, value: Any) -> bool:
    if not isinstance(condition, Mapping):
        return _same(condition, value)
    ((name, wanted),) = condition.items()
    if name in _TEXTS:
        return isinstance(value, str) and _TEXTS[name](value, wanted)
    if name == "anything-but":
        return not _any_of(wanted, value)
    return _is_number(value) and all(
        _COMPARED[sign](value, bound) for sign, bound in zip(wanted[::2], wanted[1::2], strict=True)
    )


def _any_of(wanted: Any, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        return _holds(wanted, value)
    return any(_same(one, value) for one in (wanted if isinstance(wanted, list) else [wanted]))


def _same(wanted: Any, value: Any) -> bool:
    """Equal, and of one kind: JSON's true is not 1."""
    return bool(wanted == value) and isinstance(wanted, bool) == isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(policy: Mapping[str, Any], *, nested: bool) -> None:
    for name, wanted in policy.items():
        if isinstance(wanted, Mapping) and nested:
            _check(wanted, nested=True)
        elif isinstance(wanted, list) and wanted:
            for condition in wanted:
                _check_condition(name, condition)
        else:
            raise _invalid(f"{name!r} must be a list of conditions")


def _check_condition(name: str, condition: Any) -> None:
    if isinstance(condition, list):
        raise _invalid(f"a condition of {name!r} is a list")
    if not isinstance(condition, Mapping):
        return
    if len(condition) != 1:
        raise _invalid(f"a condition of {name!r} has one keyword")
    ((keyword, wanted),) = condition.items()
    fine = (
        (keyword in _TEXTS and isinstance(wanted, str))
        or (keyword == "exists" and isinstance(wanted, bool))
        or (keyword == "numeric" and _is_range(wanted))
        or (keyword == "anything-but" and _is_exception(wanted))
    )
    if not fine:
        raise _invalid(f"{keyword!r} in {name!r} is not understood")


def _invalid(why: str) -> AwsFault:
    return AwsFault("InvalidParameter", f"Invalid parameter: FilterPolicy: {why}")


def _is_exception(wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        return len(wanted) == 1 and all(key in _TEXTS and isinstance(one, str) for key, one in wanted.items())
    return isinstance(wanted, str | int | float) or (
        isinstance(wanted, list) and all(isinstance(one, str | int | float) for one in wanted)
    )


def _is_range(wanted: Any) -> bool:
    if not isinstance(wanted, Sequence) or isinstance(wanted, str) or len(wanted) not in (2, 4):
        return False
    return all(sign in _COMPARED for sign in wanted[::2] if isinstance(sign, str)) and all(
        isinstance(sign, str) and _is_number(bound)
        for sign, bound in zip(wanted[::2], wanted[1::2], strict=True)
    )
