"""A whole engine as an operator runs it: `heliograph serve` in its own processes, on a directory of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

from free_ports import free_port

from heliograph.clock import iso
from heliograph.events.event import Entry
from heliograph.journal.file_reader import FileReader

SECONDS = 90.0
"""How long anything may take. Nothing is waited for once it is there, so only what is broken takes so long."""


_MODULES = {name: f"heliograph.app.{name}".encode() for name in ("web", "engine", "outbound", "mail")}
"""The parts that go by what accounts were set to, and what each of them runs."""
_WRITER = b"heliograph.app.writer"
_REVISION = re.compile(rb'^heliograph_accounts_revision\{.*pid="(\d+)".*\} (\S+)$', re.MULTILINE)


def bytes_of(path: Path) -> bytes:
    """What is in a file of an engine; nothing if it went while one looked, as write-ahead logs do."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


class Engine:
    """A running `heliograph serve`."""

    def __init__(self, data: Path, workers: int, environ: dict[str, str], *, by_flags: bool = False) -> None:
        self.port = free_port()
        self.data = data
        self.url = f"http://127.0.0.1:{self.port}"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
        told = {"data": str(data), "listen": f"127.0.0.1:{self.port}", "workers": str(workers)}
        self._flags = (
            [word for name, value in told.items() for word in (f"--{name}", value)] if by_flags else []
        )
        self._environ = inherited | environ | {"HELIOGRAPH_LOG_FORMAT": "console"}
        if not by_flags:
            self._environ |= {f"HELIOGRAPH_{name.upper()}": value for name, value in told.items()}
        self.log = data.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it is ready."""
        self.process = self.begin("serve", *self._flags)
        self.until(self.ready)
        self.keys: dict[str, Any] = json.loads((self.data / "credentials.json").read_text())

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)

    def ready(self) -> bool:
        """Whether `/readyz` says so."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/readyz")[0] == 200
        except (OSError, HTTPException):
            return False  # nobody is there, or who was killed answered half of it

    def pids(self, part: str) -> list[int]:
        """The processes of a part: `web`, `engine`, `journal`; for web the workers, not their parent."""
        module = _WRITER if part == "journal" else _MODULES[part]
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
                environ = (entry / "environ").read_bytes()
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if module in command and str(self.data).encode() in environ:
                found.append((int(entry.name), parent))
        parents = {pid for pid, _ in found}
        workers = [pid for pid, parent in found if parent in parents]
        return workers or [pid for pid, _ in found]

    def kill(self, part: str) -> int:
        """SIGKILL to a process of a part, as soon as there is one; its number."""
        killed: list[int] = []

        def one() -> bool:
            for pid in self.pids(part)[:1]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)
            return bool(killed)

        self.until(one)
        return killed[0]

    def until(self, condition: Callable[[], object], seconds: float = SECONDS) -> None:
        """Wait for something to become true."""
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time:\n" + self.log.read_text()[-3000:]
            time.sleep(0.02)

    def get(self, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, Any]:
        """GET without following redirects."""
        return self._ask(urllib.request.Request(self.url + path, headers=headers or {}))  # noqa: S310 - our own

    def raw_post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, Any]:
        """POST; status, body and headers."""
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method="POST")  # noqa: S310
        return self._ask(request)

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
        """POST; status and decoded answer."""
        status, answer, _ = self.raw_post(path, body, headers)
        return status, json.loads(answer)

    def event(self, kind: str, body: dict[str, Any], **headers: str) -> tuple[int, Any]:
        """One event through the events API."""
        sent = {"x-token": self.keys["store_key"], "x-event-type": kind, "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.post(f"/webhooks/store/{self.keys['store_id']}", json.dumps(body).encode(), sent)

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command of ours on these data. What accounts are set to is in effect within two seconds, which are waited for,
        as an operator would who wants to see it."""
        done = subprocess.run(
            [sys.executable, "-m", "heliograph", *command],
            env=self._environ,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        if command[:2] == ("accounts", "set") and self.process is not None and self.process.poll() is None:
            self.see_accounts()
        return done

    def begin(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a command of ours on these data, which goes on until it is told to end."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "heliograph", *command], env=self._environ, stdout=log, stderr=log
            )

    def see_accounts(self) -> None:
        """Wait until what accounts were set to is in effect in every process."""
        with closing(sqlite3.connect(f"file:{self.data / 'state.db'}?mode=ro", uri=True)) as state:
            ((wanted,),) = state.execute("SELECT revision FROM accounts_revision")
        self.until(lambda: set(self._revisions()) == {wanted})

    def _revisions(self) -> list[int]:
        """By which change of accounts each process goes; 0 where it has not said so yet."""
        told = dict(_REVISION.findall(self.get("/metrics")[1]))
        return [int(float(told.get(b"%d" % pid, 0))) for part in _MODULES for pid in self.pids(part)]

    def exported(self, *kinds: str) -> list[dict[str, Any]]:
        """Events of these kinds as `export events` prints them, read beside the engine: a process for each look would
        take longer than most tests."""
        reader, found, after = FileReader(self.data), [], 0
        while entries := reader.read(after, frozenset(kinds) or None, 1000):
            found += [_shown(entry) for entry in entries]
            after = entries[-1].seq
        reader.close()
        return found

    @staticmethod
    def _ask(request: urllib.request.Request) -> tuple[int, bytes, Any]:
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers


def _shown(entry: Entry) -> dict[str, Any]:
    instants = {"at": iso(entry.at), "recorded": iso(entry.recorded)}
    return entry._asdict() | instants | {"data": json.loads(entry.data or b"null")}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None
