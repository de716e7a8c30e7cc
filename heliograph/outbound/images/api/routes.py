"""The API's paths: the document's own, and the same under our versioned prefix.

    POST /oauth/token                                    GET  /v3/ping/authenticated
    GET  /v3/personalize/templates[/ID]                  GET  /v3/personalize/sentiment-trackers/ID/report
    POST /v3/personalize/KIND/preview                    POST /v3/personalize/KIND/publish
    GET  /v3/personalize/KIND[/ID]                       POST /v3/personalize/KIND/ID/archive
    GET  /v3/personalize/previews/TOKEN.png

All but the first are also below `/api`: `/api/v3/personalize/...`. Whatever happens, the answer is a JSON:API document
with the account's allowance in its headers.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from heliograph.errors import CallerError, Unavailable
from heliograph.outbound.images.api.access import Caller, Gate, issue, limits, pong
from heliograph.outbound.images.api.answers import PLAIN, JsonAnswer, media_type, refused
from heliograph.outbound.images.api.calls import Answer, Calls

Endpoint = Callable[[Request], Awaitable[Response]]
Call = Callable[[Caller, Request], Awaitable[Answer]]

PREFIXES = ("/v3", "/api/v3")


def routes(gate: Gate, calls: Calls) -> Sequence[BaseRoute]:
    """What `app.pages` is given."""

    async def token(request: Request) -> Response:
        return await issue(request, gate)

    api = _application(gate, calls)
    return (Route("/oauth/token", token, methods=["POST"]), *(Mount(prefix, api) for prefix in PREFIXES))


def _application(gate: Gate, calls: Calls) -> Starlette:
    async def preview(caller: Caller, request: Request) -> Answer:
        return await calls.preview(caller, request, gate.directory.master)

    async def drawn(request: Request) -> Response:
        return await calls.drawn(request, gate.directory.master)

    async def ping(request: Request) -> Response:
        caller = gate.admit(request)
        return JsonAnswer(pong(caller), 200, dict(limits(caller.allowance)), PLAIN)

    def call(path: str, method: str, what: Call) -> Route:
        return Route(f"/personalize/{path}", _called(gate, what), methods=[method])

    made = Starlette(
        routes=[
            Route("/ping/authenticated", ping, methods=["GET"]),
            call("templates", "GET", calls.templates),
            call("templates/{id}", "GET", calls.template),
            Route("/personalize/previews/{token}", drawn, methods=["GET"]),
            call("{segment}/preview", "POST", preview),
            call("{segment}/publish", "POST", calls.publish),
            call("{segment}", "GET", calls.published),
            call("{segment}/{id}", "GET", calls.one),
            call("{segment}/{id}/report", "GET", calls.report),
            call("{segment}/{id}/archive", "POST", calls.archive),
        ],
        exception_handlers={CallerError: _refused, Unavailable: _refused, HTTPException: _refused},
    )
    made.router.redirect_slashes = (
        False  # behind a proxy it would send a caller, key and all, from https to http
    )
    return made


def _called(gate: Gate, what: Call) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        caller = gate.admit(request)
        kind = media_type(request.headers.get("accept", ""))
        status, document = await what(caller, request)
        return JsonAnswer(document, status, dict(limits(caller.allowance)), kind)

    return endpoint


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, CallerError | Unavailable | HTTPException)  # noqa: S101 - what it is registered for
    answer = refused(error)
    answer.headers.update(limits(getattr(request.state, "allowance", None)))
    return answer
