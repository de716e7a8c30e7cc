"""The Query protocol: form fields to parameters, results to XML (SQS-1, SQS-9). Pure.

Older SDKs write `Attribute.1.Name=VisibilityTimeout&Attribute.1.Value=30` where newer ones send JSON. Both become the
same parameters here, so that an operation is written once. `Flat` says how a service flattens its lists and maps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from heliograph.aws.faults import AwsFault

MOST_FIELDS = 2000
"""Fields of one request: a full batch with all attributes has under 500."""

DEEPEST = 12
"""Steps in a field's name: an attribute of a message in a batch has six."""

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flat:
    """How one service writes lists and maps.

    `lists`: what stands before the number -> the parameter. `maps`: the same, with the names of key and value.
    `elements`: a result's member -> the element that repeats (`*` stands for the operation). `pairs`: the same for maps.
    `wrapped`: lists stand in `NAME.member.1`, maps in `NAME.entry.1.key`, in results too, as the protocol has it where a
    service does not flatten; `maps` then names those whose key and value are called otherwise.
    """

    lists: Mapping[str, str]
    maps: Mapping[str, tuple[str, str, str]]
    elements: Mapping[str, str]
    pairs: Mapping[str, tuple[str, str, str]]
    wrapped: bool = False


def fields(body: bytes) -> dict[str, str]:
    """The form's fields; of a repeated one the last counts."""
    try:
        return dict(
            parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=False, max_num_fields=MOST_FIELDS)
        )
    except ValueError as error:
        raise AwsFault("MalformedQueryString", "The body is no form in UTF-8.") from error


def parameters(form: Mapping[str, str], flat: Flat) -> dict[str, Any]:
    """The parameters that the fields stand for."""
    tree: dict[str, Any] = {}
    for name, value in form.items():
        place = tree
        *path, last = name.split(".", DEEPEST)
        if len(path) >= DEEPEST:
            raise AwsFault("MalformedQueryString", f"The name {name[:100]}... has too many parts.")
        for step in path:
            deeper = place.setdefault(step, {})
            if not isinstance(deeper, dict):
                raise AwsFault("MalformedQueryString", f"{name} is given twice, in two ways.")
            place = deeper
        place[last] = value
    return _gathered(tree, flat)


def _gathered(tree: Mapping[str, Any], flat: Flat) -> dict[str, Any]:
    gathered: dict[str, Any] = {}
    for name, value in tree.items():
        if not isinstance(value, dict):
            gathered[name] = value
        elif flat.wrapped and len(value) == 1 and isinstance(inside := value.get("member"), dict):
            gathered[name] = [_inner(entry, flat) for entry in _numbered(inside)]
        elif flat.wrapped and len(value) == 1 and isinstance(inside := value.get("entry"), dict):
            _, key, content = flat.maps.get(name, (name, "key", "value"))
            gathered[name] = _mapped(inside, key, content, flat)
        elif name in flat.maps:
            member, key, content = flat.maps[name]
            gathered[member] = _mapped(value, key, content, flat)
        elif name in flat.lists:
            gathered[flat.lists[name]] = [_inner(entry, flat) for entry in _numbered(value)]
        else:
            gathered[name] = _gathered(value, flat)
    return gathered


def _mapped(entries: Mapping[str, Any], key: str, content: str, flat: Flat) -> dict[str, Any]:
    return {
        str(entry.get(key, "")): _inner(entry.get(content, ""), flat)
        for entry in _numbered(entries)
        if isinstance(entry, dict)
    }


def _inner(value: Any, flat: Flat) -> Any:
    return _gathered(value, flat) if isinstance(value, dict) else value


def _numbered(entries: Mapping[str, Any]) -> list[Any]:
    return [entries[n] for n in sorted(entries, key=_place)]


def _place(name: str) -> tuple[int, str]:
    """Where an entry stands in its list; what is no number stands last."""
    return (int(name) if _NUMBER.fullmatch(name) else 1 << 30), name


def response(operation: str, result: Mapping[str, Any], flat: Flat, request_id: str, namespace: str) -> bytes:
    """The answer in XML; an operation without a result has its metadata alone (and an empty result where the service
    does not flatten: SDKs look for it)."""
    elements = {member: name.replace("*", operation) for member, name in flat.elements.items()}
    named = replace(flat, elements=elements)
    inside = "".join(_written(name, value, named) for name, value in result.items())
    wrapped = f"<{operation}Result>{inside}</{operation}Result>" if result or flat.wrapped else ""
    return (
        f'<?xml version="1.0"?><{operation}Response xmlns="{namespace}">{wrapped}'
        f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ).encode()


def _written(name: str, value: Any, flat: Flat) -> str:
    if isinstance(value, Mapping):
        pair = flat.pairs.get(name)
        if pair is None:
            inside = "".join(_written(inner, content, flat) for inner, content in value.items())
            return f"<{name}>{inside}</{name}>"
        element, key, content = pair
        entries = "".join(
            f"<{element}><{key}>{escape(str(k))}</{key}>{_written(content, v, flat)}</{element}>"
            for k, v in value.items()
        )
        return f"<{name}>{entries}</{name}>" if flat.wrapped else entries
    if isinstance(value, list | tuple):
        if flat.wrapped:
            return f"<{name}>{''.join(_written('member', entry, flat) for entry in value)}</{name}>"
        return "".join(_written(flat.elements.get(name, name), entry, flat) for entry in value)
    if isinstance(value, bool):
        return f"<{name}>{'true' if value else 'false'}</{name}>"
    # a carriage return in XML would be read as a line feed, and the digest of the body would be wrong
    return f"<{name}>{escape(str(value), {chr(13): '&#xD;', chr(34): '&quot;'})}</{name}>"
