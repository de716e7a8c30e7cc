"""Query strings and bodies as structs, and everything that is wrong with them at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from heliograph.errors import BadRequest, Fault, UnsupportedMedia

S = TypeVar("S", bound=msgspec.Struct)

MOST_FIELDS = 100
"""Parameters of one query string."""

LARGEST = 2**63 - 1
"""Of whole numbers: what the database can look for."""

_PLACE = re.compile(r" - at `\$(.*)`$", re.DOTALL)


def from_query(query: str, kind: type[S], *, besides: Collection[str] = ()) -> S:
    """A query string as a struct: numbers and yes or no are written as text there. `besides`: parameters that somebody
    else reads. Raises `BadRequest`."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise BadRequest(f"The query string has more than {MOST_FIELDS} parameters.") from error
    values = {name: value for name, value in pairs if name not in besides}
    twice = [
        Fault(name, "is given more than once")
        for name in values
        if len([n for n, _ in pairs if n == name]) > 1
    ]
    return _struct(values, kind, twice, strict=False)


def from_body(body: bytes, content_type: str, kind: type[S]) -> S:
    """A JSON body as a struct; an empty one says nothing. Raises `BadRequest`, `UnsupportedMedia`."""
    if not body.strip():
        return _struct({}, kind, [], strict=True)
    media = content_type.partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise UnsupportedMedia("Send JSON, and say so: Content-Type: application/json.", field="content-type")
    try:
        values = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}.") from error
    if not isinstance(values, dict):
        raise BadRequest("The body must be a JSON object.")
    return _struct(values, kind, [], strict=True)


def _struct(values: Mapping[str, Any], kind: type[S], faults: list[Fault], *, strict: bool) -> S:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    found: dict[str, Any] = {}
    for name, field in fields.items():
        if name not in values:
            if field.required:
                faults.append(Fault(name, "missing: mandatory"))
            continue
        try:
            value = found[field.name] = msgspec.convert(values[name], field.type, strict=strict)
            if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
                faults.append(Fault(name, f"expected a number between {-LARGEST} and {LARGEST}"))
        except msgspec.ValidationError as error:
            faults.append(_fault(name, str(error)))
    faults += [Fault(name[:100], "is not known here") for name in values if name not in fields]
    if faults:
        more = f" ({len(faults) - 1} more in `errors`)" if len(faults) > 1 else ""
        first = faults[0]
        raise BadRequest(f"{first.field}: {first.reason}{more}", field=first.field, faults=tuple(faults))
    return kind(**found)


def _fault(name: str, said: str) -> Fault:
    """msgspec's words with the place in front: `$.price` below the field is `name.price`."""
    place = _PLACE.search(said)
    reason = _PLACE.sub("", said)
    return Fault(name + (place.group(1) if place else ""), reason[:1].lower() + reason[1:])
