"""Apple's push service as a script: HTTP/2 over TLS and nothing else (hypercorn), in a thread of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypercorn.asyncio import serve
from hypercorn.config import Config


class Pushed(NamedTuple):
    """One request as it came; `version` of HTTP."""

    version: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Apple:
    """Takes everything but what is for devices that are `gone`. `certificate`: what its caller has to trust."""

    def __init__(self, directory: Path, gone: frozenset[str]) -> None:
        self.certificate = certificate(directory)
        self.pushed: list[Pushed] = []
        self._gone = gone
        config = Config()
        config.bind = ["127.0.0.1:0"]
        config.alpn_protocols = ["h2"]
        config.certfile = config.keyfile = str(self.certificate)
        config.accesslog = config.errorlog = None
        sockets = config.create_sockets()
        sockets.secure_sockets[0].listen()
        self.url = f"https://localhost:{sockets.secure_sockets[0].getsockname()[1]}"
        config.create_sockets = lambda: sockets  # type: ignore[method-assign]
        self._config = config
        self._loop = asyncio.new_event_loop()
        self._ended = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No more."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(10)

    def _run(self) -> None:
        served = serve(self._app, self._config, shutdown_trigger=self._ended.wait)  # type: ignore[arg-type]
        self._loop.run_until_complete(served)
        self._loop.close()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.pushed.append(Pushed(scope["http_version"], scope["path"], headers, body))
        status, said = 200, b""
        if scope["path"].rpartition("/")[2] in self._gone:
            after = int((datetime.now(UTC) + timedelta(minutes=1)).timestamp() * 1000)
            status, said = 410, json.dumps({"reason": "Unregistered", "timestamp": after}).encode()
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": said})


def certificate(directory: Path) -> Path:
    """A certificate of `localhost` and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), False)
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = directory / "apple.pem"
    path.write_bytes(kept + made.public_bytes(serialization.Encoding.PEM))
    return path
