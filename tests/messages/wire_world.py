"""Providers of texts and push services as scripts: Twilio, Firebase and any other over HTTP, Apple over HTTP/2.

Real sockets, real TLS and HTTP/2 (hypercorn). What they answer is the test's; what they were asked is kept.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpcore2
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config

from heliograph.clock import ManualClock
from heliograph.egress import Egress, Guard
from heliograph.outbound.messages.channels.providers import http2
from heliograph.outbound.messages.channels.providers.http2 import Http2
from heliograph.outbound.messages.channels.providers.provider import Wire
from heliograph.settings import Settings

LOOPBACK = ("127.0.0.0/8",)
PATIENCE = http2.CONNECT_TIMEOUT = 60.0
"""Seconds that providers have, so that a busy machine answers in time."""
APPLE_KEY = ec.generate_private_key(ec.SECP256R1())
GOOGLE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    """A key as Apple and Google hand it out."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), strict_parsing=True))


@dataclass
class Script:
    """What is answered next, the last for ever: status and body; None: nothing, until the caller gives up."""

    answers: list[tuple[int, Any] | None] = field(default_factory=lambda: [(200, {})])
    asked: list[Asked] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def answer(self, *answers: tuple[int, Any] | None) -> None:
        self.answers = list(answers)

    def next(self, asked: Asked) -> tuple[int, bytes] | None:
        self.asked.append(asked)
        said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if said is None:
            return None
        status, body = said
        return status, body if isinstance(body, bytes) else json.dumps(body).encode()


class HttpWorld:
    """A plain HTTP server that answers by its script."""

    def __init__(self) -> None:
        self.script = Script()
        self.tokens = Script([(200, {"access_token": "ya29.token", "expires_in": 3599})])
        self.url = ""

    async def start(self) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.path_qs, headers, await request.read())
        script = self.tokens if request.path == "/token" else self.script
        said = script.next(asked)
        if said is None:
            await asyncio.sleep(3600)
        assert said is not None
        return web.Response(status=said[0], body=said[1], headers={"Content-Type": "application/json"})


class AppleWorld:
    """A server that speaks HTTP/2 over TLS alone, under Apple's names."""

    def __init__(self, directory: Path) -> None:
        self.script = Script()
        self._directory, self._stop = directory, asyncio.Event()
        self.versions: list[str] = []

    async def start(self) -> None:
        certificate = _certificate(self._directory)
        config = Config()
        config.bind = ["127.0.0.1:0"]
        config.alpn_protocols = ["h2"]
        config.certfile = config.keyfile = str(certificate)
        config.accesslog = config.errorlog = None
        sockets = config.create_sockets()
        sockets.secure_sockets[0].listen()  # who comes before the server is up waits for it
        self.port = sockets.secure_sockets[0].getsockname()[1]
        config.create_sockets = lambda: sockets  # type: ignore[method-assign]
        self._task = asyncio.create_task(serve(self._app, config, shutdown_trigger=self._stop.wait))  # type: ignore[arg-type]
        self._tls = ssl.create_default_context(cafile=str(certificate))

    async def stop(self) -> None:
        self._stop.set()
        await self._task

    def client(self, *, allow: tuple[str, ...] = LOOPBACK) -> Http2:
        """A client to which Apple's names lead here."""

        async def resolve(host: str, port: int) -> list[str]:
            assert host in ("api.push.apple.com", "api.sandbox.push.apple.com") and port == 443
            return ["127.0.0.1"]

        return Http2(Guard(allow), resolve=resolve, tls=self._tls, backend=_Here(self.port))

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body = b""
        while True:
            event = await receive()
            body += event.get("body", b"")
            if not event.get("more_body"):
                break
        self.versions.append(scope["http_version"])
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        said = self.script.next(Asked(scope["method"], scope["path"], headers, body))
        if said is None:
            await receive()
            return
        given = [(b"apns-id", headers.get("apns-id", "").encode())]
        await send({"type": "http.response.start", "status": said[0], "headers": given})
        await send({"type": "http.response.body", "body": said[1] if said[0] != 200 else b""})


class _Here(httpcore2.AsyncNetworkBackend):
    """Connects to our port, whichever was asked for."""

    def __init__(self, port: int) -> None:
        self._port, self._inner = port, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        return await self._inner.connect_tcp(host, self._port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def wire(clock: ManualClock, egress: Egress, http2: Http2, **settings: Any) -> Wire:
    """What providers are reached with."""
    return Wire(egress=egress, http2=http2, clock=clock, settings=Settings(**settings), timeout=PATIENCE)


def _certificate(directory: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "api.push.apple.com")])
    names = [x509.DNSName("api.push.apple.com"), x509.DNSName("api.sandbox.push.apple.com")]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(
            x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "apple.pem"
    path.write_bytes(pem(key).encode() + made.public_bytes(serialization.Encoding.PEM))
    return path
