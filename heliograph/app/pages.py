"""What is not hot: health, readiness, metrics, and the first page, as a Starlette application."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from heliograph import __version__
from heliograph.app.measured import measured
from heliograph.errors import HeliographError
from heliograph.journal.journal import Journal

READY_SECONDS = 2.0
"""How long the journal may take to answer before this worker is not ready."""

WELCOME = f"""Heliograph {__version__}

events   POST /webhooks/store/STORE_ID
batches  POST /api/v1/events/batch
contacts POST /api/v1/stores/STORE_ID/contacts
script   GET  /webtracking/track.js
pictures POST /v3/personalize/KIND/publish
api      /api/v1/... described at GET /api/openapi.json
records  GET  /v5/engage/context?data=PREFIX-KEY
service  POST /3.1/WebService
queues   POST / as Amazon SQS and SNS are called
health   GET /healthz  GET /readyz  GET /metrics
"""


def pages(journal: Journal, engine: Engine, others: Sequence[BaseRoute] = ()) -> Starlette:
    """The application. `/healthz`: the process answers. `/readyz`: it can take events. `/metrics`: Prometheus.

    `others` are the pages and calls of the slices.
    """
    ready = _Readiness(journal, engine)
    made = Starlette(
        routes=[
            Route("/", _welcome),
            Route("/healthz", _healthy),
            Route("/readyz", ready.answer),
            Route("/metrics", _metrics),
            *others,
        ],
        exception_handlers={404: _missing, 405: _not_allowed},
    )
    made.router.redirect_slashes = (
        False  # behind a proxy it would send a caller, key and all, from https to http
    )
    return made


class _Readiness:
    """Whether what every request needs can be reached."""

    def __init__(self, journal: Journal, engine: Engine) -> None:
        self._journal, self._engine = journal, engine

    async def answer(self, _: Request) -> Response:
        faults = [] if await self._journal_answers() else ["the journal"]
        if not await asyncio.to_thread(_answers, self._engine):
            faults.append("the state database")
        if not faults:
            return JSONResponse({"status": "ok"})
        answer = _error(
            503, "unavailable", f"Not ready: {' and '.join(faults)} cannot be reached. Try again."
        )
        answer.headers["retry-after"] = "1"
        return answer

    async def _journal_answers(self) -> bool:
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._journal.head()
        except (HeliographError, TimeoutError, OSError):
            return False
        return True


async def _welcome(_: Request) -> Response:
    return PlainTextResponse(WELCOME)


async def _healthy(_: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _metrics(_: Request) -> Response:
    return Response(await asyncio.to_thread(measured), media_type=CONTENT_TYPE_LATEST)


async def _missing(_: Request, __: Exception) -> Response:
    return _error(404, "not_found", "There is nothing at this path; GET / lists what there is.")


async def _not_allowed(request: Request, error: Any) -> Response:
    answer = _error(405, "method_not_allowed", f"{request.method} is not understood here.")
    answer.headers.update(error.headers or {})
    return answer


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"status": "error", "code": code, "message": message}, status)


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True
