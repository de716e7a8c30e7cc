"""Calls as routes: who asks, what they say, the answer, and errors in the house's form (`web.http.plain_error`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from heliograph.api.access import Access
from heliograph.api.call import Asked, Call, Csv, Means
from heliograph.api.openapi import describe
from heliograph.api.reading import from_body, from_query
from heliograph.api.resources import RESOURCES
from heliograph.errors import BadRequest, CallerError, Unauthorized, Unavailable
from heliograph.settings import Settings
from heliograph.web.http import Reply, plain_error
from heliograph.web.limits import Limit

BASE = "/api/v1"
DESCRIPTION = "/api/openapi.json"

JSON = "application/json; charset=utf-8"
CSV = "text/csv; charset=utf-8; header=present"  # RFC 4180 section 3
NO_STORE = {"cache-control": "no-store"}
"""What is said of people is no cache's business."""

FORMAT = ("format",)
"""What a query may say beside a call's own fields, where its list can be had as a file."""

Endpoint = Callable[[Request], Awaitable[Response]]

_encode = msgspec.json.Encoder().encode


def routes(means: Means, settings: Settings) -> list[BaseRoute]:
    """Every call of every resource, and the description of them all."""
    access = Access(
        means.directory, Limit(settings.key_rate, means.clock), Limit(settings.address_rate, means.clock)
    )
    by_path: dict[str, dict[str, Call]] = {}
    for resource in RESOURCES:
        for call in resource.calls:
            by_path.setdefault(call.path, {})[call.method] = call
    return [
        Route(DESCRIPTION, _description()),
        *(
            Route(BASE + path, _endpoint(means, access, calls), methods=list(calls))
            for path, calls in by_path.items()
        ),
    ]


def _endpoint(means: Means, access: Access, calls: dict[str, Call]) -> Endpoint:
    async def answer(request: Request) -> Response:
        call = calls["GET" if request.method == "HEAD" else request.method]
        try:
            asked = await _asked(access, call, request)
            handler = call.file if call.file is not None and _wants_file(request) else call.handler
            value = await handler(means, asked)
        except (CallerError, Unavailable) as error:
            return _refused(error)
        return (
            _file(value) if isinstance(value, Csv) else Response(_encode(value), call.status, NO_STORE, JSON)
        )

    return answer


async def _asked(access: Access, call: Call, request: Request) -> Asked:
    client = request.client.host if request.client else ""
    account, key = access.admit(lambda name: request.headers.get(name, ""), client, call.scope)
    query = from_query(
        request.url.query, call.query or Nothing, besides=FORMAT if call.file is not None else ()
    )
    body = None
    if call.body is not None:
        body = from_body(await request.body(), request.headers.get("content-type", ""), call.body)
    return Asked(
        account=account,
        path=dict(request.path_params),
        query=query,
        body=body,
        by=f"api key {key.public}",
        idempotency_key=request.headers.get("idempotency-key", ""),
    )


def _description() -> Endpoint:
    described = _encode(describe(RESOURCES, BASE))

    async def answer(_: Request) -> Response:
        return Response(described, media_type=JSON)

    return answer


def _wants_file(request: Request) -> bool:
    """Whether a list is asked for as a file: by `format`, else by `Accept`. Raises `BadRequest`."""
    named = request.query_params.get("format")
    if named not in (None, "json", "csv"):
        raise BadRequest("format: json or csv", field="format")
    accepted = [one.partition(";")[0].strip().lower() for one in request.headers.get("accept", "").split(",")]
    return named == "csv" or (named is None and "text/csv" in accepted)


def _file(answer: Csv) -> Response:
    named = {"content-disposition": f'attachment; filename="{answer.name}.csv"'}
    return StreamingResponse(answer.pieces, headers=NO_STORE | named, media_type=CSV)


def _refused(error: CallerError | Unavailable) -> Response:
    reply: Reply = plain_error(error)
    headers = {**dict(reply.headers), **NO_STORE}
    if isinstance(error, Unauthorized):
        headers["www-authenticate"] = 'Bearer realm="api"'  # RFC 9110 section 11.6.1
    return Response(reply.body, reply.status, headers)


class Nothing(msgspec.Struct):
    """The query of a call that takes none."""
