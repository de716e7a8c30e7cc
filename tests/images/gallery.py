"""A server of pictures on a real socket, whose every answer a test decides."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from PIL import Image

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


def png(colour: str, size: tuple[int, int] = (60, 40)) -> bytes:
    """A picture of one colour."""
    written = io.BytesIO()
    Image.new("RGB", size, colour).save(written, "PNG")
    return written.getvalue()


@dataclass
class Gallery:
    """What hangs where, and who came for it."""

    hung: dict[str, Answering] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    heads: list[dict[str, str]] = field(default_factory=list)
    port: int = 0
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when somebody left before an endless answer was over."""

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def hang(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        """Answer with this from now on; the URL. An underscore in a header's name is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}

        async def answer(request: web.Request) -> web.StreamResponse:
            if named.get("ETag") and request.headers.get("If-None-Match") == named["ETag"]:
                return web.Response(status=304, headers=named)
            return web.Response(status=status, body=body, headers=named)

        self.hung[path] = answer
        return self.url(path)

    def stream(self, path: str, head: dict[str, str], part: bytes, pause: float) -> str:
        """Answer with these bytes again and again, until the other side has had enough."""

        async def answer(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers=head)
            await response.prepare(request)
            try:
                while request.transport is not None and not request.transport.is_closing():
                    await response.write(part)
                    await asyncio.sleep(pause)
            except ConnectionError:
                pass
            finally:
                self.hung_up.set()
            return response

        self.hung[path] = answer
        return self.url(path)

    async def show(self, request: web.Request) -> web.StreamResponse:
        self.asked[request.path] += 1
        self.heads.append(dict(request.headers))
        answer = self.hung.get(request.path)
        return await answer(request) if answer else web.Response(status=404)
