"""The servers under load: ours, the plain app, nginx. Each is a real process on 127.0.0.1."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import command, cpu_seconds, tree

PLAIN_KEY = "plain-store-key"
NGINX = shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its URL, its process, and for ours its keys and data."""

    name: str
    url: str
    pid: int
    data: Path
    keys: dict[str, Any]

    def pids(self, part: str = "") -> list[int]:
        """Its processes; with `part` (web, engine, outbound, writer) only that one's."""
        everything = tree(self.pid)
        if not part:
            return everything
        return [pid for root in everything if f"heliograph.app.{part}" in command(root) for pid in tree(root)]

    def cpu(self, part: str = "") -> float:
        """CPU seconds that it has used."""
        return cpu_seconds(sorted(set(self.pids(part))))


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def ours(directory: Path, *, workers: int = 1, only_web: bool = False, **settings: str) -> Iterator[Server]:
    """`heliograph serve` on a new data directory. `only_web`: without the engine, to measure a worker alone."""
    data, port = directory / "data", free_port()
    environ = {
        **os.environ,
        "HELIOGRAPH_DATA": str(data),
        "HELIOGRAPH_LISTEN": f"127.0.0.1:{port}",
        "HELIOGRAPH_WORKERS": str(workers),
        "HELIOGRAPH_LOG_LEVEL": "warning",
        **{f"HELIOGRAPH_{name.upper()}": value for name, value in settings.items()},
    }
    serve = [sys.executable, "-m", "heliograph", "serve"]
    url = f"http://127.0.0.1:{port}"
    if only_web:
        with running(serve, url + "/readyz", environ):
            pass
        serve += ["--only", "web"]
    with running(serve, url + "/readyz", environ) as process:
        keys = json.loads((data / "credentials.json").read_text())
        yield Server("heliograph", url, process.pid, data, keys)


@contextlib.contextmanager
def plain(directory: Path) -> Iterator[Server]:
    """The plain app under uvicorn, one worker."""
    port = free_port()
    environ = {**os.environ, "PLAIN_DB": str(directory / "plain.db"), "PLAIN_KEY": PLAIN_KEY}
    uvicorn = [
        sys.executable,
        "-m",
        "uvicorn",
        "benchmarks.plain_app:app",
        "--port",
        str(port),
        "--no-access-log",
    ]
    with running(uvicorn, f"http://127.0.0.1:{port}/docs", environ) as process:
        yield Server(
            "plain app", f"http://127.0.0.1:{port}", process.pid, directory, {"store_key": PLAIN_KEY}
        )


@contextlib.contextmanager
def nginx(directory: Path) -> Iterator[Server | None]:
    """nginx with `empty_gif` and an access log, one worker; None where it is not installed."""
    if NGINX is None:
        yield None
        return
    port = free_port()
    config = directory / "nginx.conf"
    config.write_text(
        f"worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.err;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log {directory}/nginx.log; keepalive_requests 10000000;\n"
        f"  client_body_temp_path {directory}/n1; proxy_temp_path {directory}/n2; fastcgi_temp_path {directory}/n3;\n"
        f"  uwsgi_temp_path {directory}/n4; scgi_temp_path {directory}/n5;\n"
        f"  server {{ listen 127.0.0.1:{port}; location / {{ empty_gif; }} }} }}\n"
    )
    with running([NGINX, "-c", str(config)], f"http://127.0.0.1:{port}/", os.environ) as process:
        yield Server("nginx", f"http://127.0.0.1:{port}", process.pid, directory, {})


@contextlib.contextmanager
def running(argv: list[str], ready: str, environ: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process, from when `ready` answers until the block ends."""
    process = subprocess.Popen(argv, env=dict(environ), stdout=subprocess.DEVNULL)
    try:
        _wait(ready, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise TimeoutError(f"{url} did not answer")
