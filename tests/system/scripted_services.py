"""Services that an engine talks to over HTTP, as scripts: what they answer is the test's, what they were asked is kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl


class Asked(NamedTuple):
    """One POST as it came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


Answer = tuple[int, Any]


class Services(ThreadingHTTPServer):
    """One server for all of them; `answers` decides by what was asked."""

    daemon_threads = True

    def __init__(self, answers: Callable[[Asked], Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Door)
        self.answers = answers
        self.asked: list[Asked] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def at(self, path: str) -> list[Asked]:
        """What came to paths that begin so."""
        return [one for one in self.asked if one.path.startswith(path)]

    def stop(self) -> None:
        """No more."""
        self.shutdown()
        self.server_close()


class _Door(BaseHTTPRequestHandler):
    server: Services

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.asked.append(asked)
        status, said = self.server.answers(asked)
        told = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass
