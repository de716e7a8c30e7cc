"""The API's description of itself (OpenAPI 3.1), from the types that the calls are served by. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from heliograph import __version__
from heliograph.api.call import Call, Csv, Resource

REFERENCE = "#/components/schemas/{name}"

_IN_PATH = re.compile(r"{(\w+)}")
_CSV = {"text/csv": {"schema": {"type": "string"}}}
_FORMAT = {
    "name": "format",
    "in": "query",
    "required": False,
    "description": "`csv`: the whole list as a file, as `Accept: text/csv` asks for it; `after` and `limit` are not looked at.",
    "schema": {"type": "string", "enum": ["json", "csv"]},
}


class WrongField(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request."""

    field: str
    reason: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An error: a stable word, and what to do. `errors` lists everything that was found wrong."""

    status: str
    code: str
    message: str
    field: str | None = None
    errors: list[WrongField] = []


PROBLEMS = {
    400: "Something in the request is wrong; `errors` lists everything.",
    401: "No key, or a wrong one.",
    403: "The key may not do this.",
    404: "There is no such thing in this account.",
    415: "The body is not JSON.",
    422: "The idempotency key was used for something else.",
    429: "Too many requests; Retry-After says when to come again.",
    503: "Not now; nothing was done. Retry-After says when to come again.",
}


def describe(resources: Sequence[Resource], base: str) -> dict[str, Any]:
    """The whole description."""
    calls = [call for resource in resources for call in resource.calls]
    schemas = _components(calls)
    paths: dict[str, dict[str, Any]] = {}
    for resource in resources:
        for call in resource.calls:
            paths.setdefault(base + call.path, {})[call.method.lower()] = _operation(resource, call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heliograph",
            "version": __version__,
            "description": "The operators' API. Instants are RFC 3339 in UTC.",
        },
        "tags": [{"name": one.name, "description": one.description} for one in resources],
        "security": [{"key": []}, {"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(resource: Resource, call: Call) -> dict[str, Any]:
    answers = {
        str(call.status): {
            "description": "Done." if call.status == 200 else "Taken on.",
            **_answer(call),
        }
    }
    answers |= {
        str(status): {"description": PROBLEMS[status], **_json(Problem)} for status in _problems(call)
    }
    described: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "tags": [resource.name],
        "parameters": [*_in_path(call), *_in_query(call), *_in_headers(call)],
        "responses": answers,
    }
    if call.body is not None:
        needed = any(field.required for field in msgspec.structs.fields(call.body))
        described["requestBody"] = {"required": needed, **_json(call.body)}
    return described


def _problems(call: Call) -> Iterable[int]:
    yield from (400, 401, 403)
    if "{" in call.path or call.missing:
        yield 404
    if call.body is not None:
        yield 415
    if call.idempotent:
        yield 422
    yield from (429, 503)


def _in_path(call: Call) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(call.path)
    ]


def _in_headers(call: Call) -> list[dict[str, Any]]:
    if not call.idempotent:
        return []
    said = "What is asked for with the same key is done once."
    schema = {"type": "string", "maxLength": 255, "pattern": "^[!-~]*$"}
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "description": said,
            "schema": schema,
        }
    ]


def _in_query(call: Call) -> list[dict[str, Any]]:
    fields = msgspec.structs.fields(call.query) if call.query is not None else ()
    found = [
        {"name": field.encode_name, "in": "query", "required": field.required, "schema": _schema(field.type)}
        for field in fields
    ]
    return [*found, _FORMAT] if call.file is not None else found


def _answer(call: Call) -> dict[str, Any]:
    if call.answer is Csv:
        return {"content": _CSV}
    answer = _json(call.answer)
    return {"content": answer["content"] | _CSV} if call.file is not None else answer


def _json(kind: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": _schema(kind)}}}


def _schema(kind: Any) -> Any:
    (schema,), _ = msgspec.json.schema_components([kind], ref_template=REFERENCE)
    return schema


def _components(calls: Iterable[Call]) -> dict[str, Any]:
    kinds = [
        Problem,
        *(kind for call in calls for kind in (call.answer, call.body) if kind not in (None, Csv)),
    ]
    return dict(msgspec.json.schema_components(kinds, ref_template=REFERENCE)[1])
