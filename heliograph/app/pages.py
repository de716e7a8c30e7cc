"""What is not hot: health, readiness, metrics, and the first page, as a Starlette application."""

from __future__ import annotations

import asyncio
import os
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest, multiprocess
from sqlalchemy import Engine, text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from heliograph import __version__
from heliograph.errors import HeliographError
from heliograph.journal.journal import Journal


def pages(journal: Journal, engine: Engine) -> Starlette:
    """The application. `/healthz`: the process answers. `/readyz`: it can take events. `/metrics`: Prometheus."""

    async def healthy(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": __version__})

    async def ready(_: Request) -> Response:
        faults = [name for name, check in (("journal", _head), ("state", _state)) if not await check()]
        if faults:
            body = {"status": "error", "code": "unavailable", "message": f"not ready: {', '.join(faults)}"}
            return JSONResponse(body, 503, {"retry-after": "1"})
        return JSONResponse({"status": "ok"})

    async def metrics(_: Request) -> Response:
        return Response(await asyncio.to_thread(_measured), media_type=CONTENT_TYPE_LATEST)

    async def first(_: Request) -> Response:
        return PlainTextResponse(
            f"Heliograph {__version__}\n\nevents   POST /webhooks/store/STORE_ID\nbatches  POST /api/v1/events/batch\n"
            "health   GET /healthz  GET /readyz  GET /metrics\n"
        )

    async def _head() -> bool:
        try:
            async with asyncio.timeout(2):
                await journal.head()
        except (HeliographError, TimeoutError, OSError):
            return False
        return True

    async def _state() -> bool:
        return await asyncio.to_thread(_answers, engine)

    async def missing(_: Request, __: Exception) -> Response:
        return _error(404, "not_found", "There is nothing at this path; GET / lists what there is.")

    async def not_allowed(request: Request, error: Any) -> Response:
        answer = _error(405, "method_not_allowed", f"{request.method} is not understood here.")
        answer.headers.update(error.headers or {})
        return answer

    return Starlette(
        routes=[
            Route("/", first),
            Route("/healthz", healthy),
            Route("/readyz", ready),
            Route("/metrics", metrics),
        ],
        exception_handlers={404: missing, 405: not_allowed},
    )


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"status": "error", "code": code, "message": message}, status)


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except Exception:
        return False
    return True


def _measured() -> bytes:
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library is untyped here
    return generate_latest(registry)
