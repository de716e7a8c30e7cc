"""JSON:API on the wire (jsonapi.org, version 1.1): media types, answers, errors with pointers (PER-3).

Every answer of the API is made here. Which media type it has is the caller's wish: JSON:API's own, or plain JSON for
those who ask for that alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from heliograph.errors import (
    BadRequest,
    CallerError,
    Fault,
    NotAcceptable,
    TooManyRequests,
    Unauthorized,
    Unavailable,
    UnsupportedMedia,
)

JSON_API = "application/vnd.api+json"
PLAIN = "application/json; charset=utf-8"

_ANY = {"*/*", "application/*", JSON_API}
_KNOWN_PARAMETERS = {"profile", "q"}


class JsonAnswer(Response):
    """A body encoded by msgspec."""

    def render(self, content: Any) -> bytes:
        return msgspec.json.encode(content)


def media_type(accept: str) -> str:
    """The content type of the answer for this Accept header. Raises `NotAcceptable`: nothing that is asked for is
    JSON, or JSON:API's own type is asked for only with parameters that we do not know (JSON:API, "Server
    Responsibilities")."""
    if not accept.strip():
        return JSON_API
    asked = [_media(part) for part in accept.split(",") if part.strip()]
    taken = [name for name, parameters in asked if _refused(parameters) is None]
    if any(name in _ANY for name in taken):
        return JSON_API
    if "application/json" in (name for name, parameters in asked if parameters.get("q") != "0"):
        return PLAIN
    raise NotAcceptable(f"Answers are {JSON_API} or application/json; ask for one of these.", field="Accept")


def check_content_type(content_type: str) -> None:
    """Raises `UnsupportedMedia` for a body that is not JSON. None at all is taken for JSON."""
    name, parameters = _media(content_type)
    if name == JSON_API:
        unknown = [parameter for parameter in parameters if parameter != "profile"]
        if unknown:  # JSON:API: 415, also for a charset
            raise UnsupportedMedia(f"{JSON_API} has no parameter {unknown[0]}.", field="Content-Type")
    elif name not in ("", "application/json"):
        raise UnsupportedMedia(f"Send {JSON_API} or application/json.", field="Content-Type")


def decoded(body: bytes) -> Any:
    """The JSON of a body. Raises `BadRequest` with the place of the mistake."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error or 'it is nested too deeply'}.") from error


def document(
    data: Any, *, links: Mapping[str, str] | None = None, meta: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A top-level document."""
    made: dict[str, Any] = {"data": data}
    if links:
        made["links"] = links
    if meta:
        made["meta"] = meta
    return made


def warnings(found: Iterable[Fault]) -> dict[str, Any]:
    """`meta` for what is odd and was done all the same."""
    listed = [{"detail": _sentence(fault), "source": {"pointer": fault.field}} for fault in found]
    return {"warnings": listed} if listed else {}


def refused(error: CallerError | Unavailable | HTTPException) -> Response:
    """An error document with everything that is wrong."""
    if isinstance(error, HTTPException):
        return _answer(
            error.status_code, [_error(error.status_code, _PATHS[error.status_code])], error.headers or {}
        )
    headers = {} if error.retry_after is None else {"retry-after": str(error.retry_after)}
    if isinstance(error, Unavailable):
        return _answer(503, [_error(503, error.message, code="unavailable")], headers)
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = 'Bearer realm="heliograph"'
    if error.faults:
        found = [_of_fault(error, fault) for fault in error.faults]
    else:
        found = [_error(error.status, error.message, code=error.code, source=_source(error))]
    return _answer(error.status, found, headers)


def _answer(status: int, errors: Sequence[Mapping[str, Any]], headers: Mapping[str, str]) -> Response:
    return JsonAnswer({"errors": errors}, status, headers, JSON_API)


def _of_fault(error: CallerError, fault: Fault) -> dict[str, Any]:
    return _error(
        error.status,
        _sentence(fault),
        code=error.code,
        source={"pointer": fault.field},
    )


def _sentence(fault: Fault) -> str:
    return f"{fault.field.rpartition('/')[2]} {fault.reason.rstrip('.')}."


def _error(
    status: int, detail: str, *, code: str = "", source: Mapping[str, str] | None = None
) -> dict[str, Any]:
    phrase = HTTPStatus(status).phrase
    made: dict[str, Any] = {
        "status": str(status),
        "code": code or phrase.lower().replace(" ", "_"),
        "title": "Invalid attribute" if status == 422 else phrase,
        "detail": detail,
    }
    if source:
        made["source"] = dict(source)
    return made


def _source(error: CallerError) -> dict[str, str] | None:
    if not error.field:
        return None
    if isinstance(error, NotAcceptable | UnsupportedMedia | Unauthorized | TooManyRequests):
        return {"header": error.field}
    return {"pointer" if error.field.startswith("/") else "parameter": error.field}


def _refused(parameters: Mapping[str, str]) -> str | None:
    if parameters.get("q") in ("0", "0.0", "0.00", "0.000"):
        return "q"
    return next((name for name in parameters if name not in _KNOWN_PARAMETERS), None)


def _media(text: str) -> tuple[str, dict[str, str]]:
    name, *rest = (part.strip() for part in text.lower().split(";"))
    parameters = (part.partition("=") for part in rest if part)
    return name, {key.strip(): value.strip().strip('"') for key, _, value in parameters}


_PATHS = {
    404: "There is nothing at this path.",
    405: "This path does not have that method; Allow says which it has.",
}
