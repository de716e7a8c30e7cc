"""Lists from the web and from S3, on real servers."""

from __future__ import annotations

import gzip
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from job_world import World

LIST = b"email\na@x.example\nb@x.example\n"


class Lists(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # ours
        match self.path:
            case "/list.csv.gz":
                self._answer(200, gzip.compress(LIST))
            case "/moved":
                self._answer(302, b"", location="/list.csv.gz")
            case "/round":
                self._answer(302, b"", location="/round")
            case "/large":
                self._answer(200, LIST + b"c@x.example\n" * 1000)
            case "/weak" if self.server.asked.count("/weak") < 3:  # type: ignore[attr-defined]  # ours
                self._answer(503, b"later")
            case "/weak":
                self._answer(200, LIST)
            case _:
                self._answer(404, b"no")

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    server.asked = []  # type: ignore[attr-defined]  # what was asked for
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def near(tmp_path: Path) -> AsyncIterator[World]:
    """A world that may call this machine, and takes lists of up to 10 kB."""
    made = World(tmp_path, egress_allow=("127.0.0.0/8",), jobs_list_limit=10_000)
    await made.template("t")
    yield made
    await made.close()


@pytest.mark.parametrize("path", ["/list.csv.gz", "/moved", "/weak"])
async def test_a_list_is_fetched_from_the_web(near: World, web: str, path: str) -> None:
    standing = await near.until(await near.order(web + path), "finished")
    assert standing.counts == {"sent": 2}


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/none", "the server answered 404"),
        ("/round", "it is redirected more than 3 times"),
        ("/large", "it has more than 10000 bytes (jobs_list_limit)"),
    ],
)
async def test_what_is_no_list_there_is_a_failed_job(near: World, web: str, path: str, why: str) -> None:
    standing = await near.until(await near.order(web + path), "failed")
    assert standing.job.error_code == "Transfer Error"
    assert standing.job.error_message == f"Error retrieving file: {web}{path} - {why}"


async def test_our_own_network_is_not_asked(world: World, web: str) -> None:
    standing = await world.until(await world.order(f"{web}/list.csv.gz"), "failed")
    assert "loopback" in str(standing.job.error_message)
