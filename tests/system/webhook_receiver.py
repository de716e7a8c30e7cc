"""A receiver of webhooks that checks signatures as the document's sample does (S3, RM-14)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Hooks(ThreadingHTTPServer):
    """Keeps what it is told: topic, the event's id, body; counts what was not signed with `secret`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hook)
        self.secret = b""
        self.told: list[tuple[str, str, dict[str, Any]]] = []
        self.forged = 0
        self.thread = threading.Thread(target=self.serve_forever, daemon=True)
        self.thread.start()

    def topics(self) -> Counter[str]:
        """Of how many events each topic was told: a delivery may come again, under the same id."""
        return Counter(topic for topic, _ in {(topic, event) for topic, event, _ in self.told})


class _Hook(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        digest = base64.b64encode(hmac.new(self.server.secret, body, hashlib.sha256).digest()).decode()
        if digest != self.headers["x-event-hmac-sha256"]:
            self.server.forged += 1
        told = (self.headers["x-event-topic"], self.headers["x-heliograph-event"], json.loads(body))
        self.server.told.append(told)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass
