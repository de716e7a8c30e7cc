"""A small application behind the real entry, for `test_entry.py`: what the server process runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.requests import Request as PageRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route as PageRoute

from heliograph.errors import BadRequest, Fault, JournalFull, TooManyRequests
from heliograph.web import entry
from heliograph.web.http import TRACKING_CODE, Reply, Request, Route, Send, Streamed, json_reply, plain_error
from heliograph.web.proxies import trusting

entry.BODY_SECONDS = 1.0


async def echo(request: Request) -> Reply | None:
    if request.path == "/echo/page":
        return None
    body = await request.body(1000)
    return json_reply(
        200,
        {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "client": request.client,
            "agent": request.header("user-agent"),
            "absent": request.header("x-absent"),
            "body": body.decode("latin-1"),
        },
    )


async def fail(request: Request) -> Reply:
    faults = (Fault("id", "is missing"), Fault("line_items[0].price", "is no number"))
    match request.path:
        case "/fail/caller":
            raise BadRequest("Two fields are wrong.", field="id", faults=faults)
        case "/fail/often":
            raise TooManyRequests("Slower, please.", retry_after=7)
        case "/fail/full":
            raise JournalFull("The queue is full.", retry_after=2)
    raise RuntimeError("secret inside")


stopping = asyncio.Event()
seen: list[str] = []


async def hold(request: Request) -> Reply | Streamed:
    """`/hold/seen` tells what became of the others, which last until their reader goes or the server stops."""
    if request.path == "/hold/seen":
        return json_reply(200, seen)

    async def body(send: Send) -> None:
        await send(b"first")
        if request.path == "/hold/broken":
            raise RuntimeError("secret inside")
        waits = [asyncio.ensure_future(request.gone()), asyncio.ensure_future(stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        seen.append("gone" if waits[0].done() else "stopping")
        await send(b"last")

    return Streamed(200, (("content-type", "text/plain"),), body)


async def page(request: PageRequest) -> Response:
    answer = JSONResponse({"body": (await request.body()).decode(), "query": str(request.query_params)})
    answer.headers.append("x-twice", "1")
    answer.headers.append("x-twice", "2")
    return answer


async def stream(_: PageRequest) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(5):
            yield b"part %d\n" % number
            await asyncio.sleep(0)

    return StreamingResponse(parts(), media_type="text/plain")


async def code(request: Request) -> Reply | None:
    return json_reply(200, {"code": request.path})


async def start() -> tuple[list[Route], Starlette]:
    await asyncio.sleep(0.05)
    pages = Starlette(
        routes=[
            PageRoute("/echo/page", page, methods=["POST"]),
            PageRoute("/page", page, methods=["GET", "POST"]),
            PageRoute("/stream", stream),
            PageRoute("/settings", page),
        ]
    )
    hot = {"echo": echo, "fail": fail, "hold": hold, "echoecho": echo, TRACKING_CODE: code}
    return [Route(prefix, handler, plain_error) for prefix, handler in hot.items()], pages


async def stop() -> None:
    print("stopped cleanly", flush=True)


def create() -> entry.Entry:
    return entry.Entry(
        start, stop, stopping=stopping.set, resolve=trusting(("127.0.0.1/32",)), page_limit=1000
    )
