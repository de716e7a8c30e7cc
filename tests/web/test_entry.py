"""The entry under the real server: hot paths, pages, limits, and errors in the caller's format."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest
from free_ports import free_port

SERVER = """
import sys
sys.path.insert(0, sys.argv[1])
from granian import Granian
from heliograph.web import stopping
Granian("echo_application:create", factory=True, interface="rsgi", port=int(sys.argv[2]), websockets=False,
        log_level="warning").serve()
"""


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(Path(__file__).parent), str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + 90
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.02)
    yield port, process
    held = HTTPConnection("127.0.0.1", port, timeout=90)
    held.request("GET", "/hold/until-the-end")
    response = held.getresponse()
    assert response.read(5) == b"first"
    process.send_signal(signal.SIGTERM)
    assert response.read() == b"last", "who takes time is told first, and ends by itself"
    output, _ = process.communicate(timeout=90)
    assert "stopped cleanly" in output, "what was opened is closed when the worker ends"
    held.close()


@pytest.fixture
def ask(server: tuple[int, subprocess.Popen[str]]) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", server[0], timeout=90)
    yield connection
    connection.close()


def answer(connection: HTTPConnection) -> tuple[HTTPResponse, dict[str, object]]:
    response = connection.getresponse()
    return response, json.loads(response.read())


def test_a_hot_path_sees_the_request_as_it_was_sent(ask: HTTPConnection) -> None:
    ask.request("POST", "/echo/a%20b?x=1&y=%20", body=b"hello", headers={"User-Agent": "ua"})
    response, said = answer(ask)
    assert response.status == 200 and response.headers["content-type"] == "application/json; charset=utf-8"
    assert said == {
        "method": "POST",
        "path": "/echo/a b",
        "query": "x=1&y=%20",
        "client": "127.0.0.1",
        "agent": "ua",
        "absent": "",
        "body": "hello",
    }


def test_a_route_is_found_with_and_without_what_follows(ask: HTTPConnection) -> None:
    """RM-1: no redirects."""
    for path in ("/echo", "/echo/", "/echo?x=1", "/echo/deep/er"):
        ask.request("GET", path)
        response, said = answer(ask)
        assert (response.status, said["path"]) == (200, path.partition("?")[0])


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/89r4i3l4", "code"),
        ("/webmails", "code"),
        ("/echoecho", "query"),  # a route of that name
        ("/settings", "query"),  # a page of that name
        ("/89R4I3L4", "code_of_error"),
        ("/89r4i3l", "code_of_error"),
        ("/89r4i3l4x", "code_of_error"),
    ],
)
def test_a_tracking_code_is_found_by_its_form_and_known_names_win(
    ask: HTTPConnection, path: str, key: str
) -> None:
    """LIT-2"""
    ask.request("GET", path)
    response = ask.getresponse()
    body = response.read()
    if key == "code_of_error":
        assert response.status == 404
    else:
        assert response.status == 200 and key in json.loads(body)


def test_a_listed_proxy_tells_who_called(ask: HTTPConnection) -> None:
    ask.request("GET", "/echo", headers={"X-Forwarded-For": "203.0.113.7"})
    assert answer(ask)[1]["client"] == "203.0.113.7"


def test_a_body_over_the_limit_is_413_and_is_not_read(ask: HTTPConnection) -> None:
    ask.request("POST", "/echo", body=b"x" * 1001)
    response, said = answer(ask)
    assert response.status == 413 and said["code"] == "too_large" and "1000" in str(said["message"])


def test_a_chunked_body_is_read_up_to_the_limit(ask: HTTPConnection) -> None:
    ask.request("POST", "/echo", body=iter([b"a" * 400, b"b" * 600]), encode_chunked=True)
    response, said = answer(ask)
    assert response.status == 200 and said["body"] == "a" * 400 + "b" * 600
    ask.close()
    ask.request("POST", "/echo", body=iter([b"a" * 400, b"b" * 601]), encode_chunked=True)
    assert answer(ask)[0].status == 413


def test_a_body_that_does_not_arrive_is_408(server: tuple[int, subprocess.Popen[str]]) -> None:
    with socket.create_connection(("127.0.0.1", server[0]), 90) as slow:
        slow.sendall(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert slow.recv(4096).startswith(b"HTTP/1.1 408")


def test_what_the_caller_did_wrong_is_told_with_every_fault(ask: HTTPConnection) -> None:
    ask.request("GET", "/fail/caller")
    response, said = answer(ask)
    assert response.status == 400
    assert said == {
        "status": "error",
        "code": "bad_request",
        "message": "Two fields are wrong.",
        "field": "id",
        "errors": [
            {"field": "id", "reason": "is missing"},
            {"field": "line_items[0].price", "reason": "is no number"},
        ],
    }


@pytest.mark.parametrize(("path", "status", "after"), [("/fail/often", 429, "7"), ("/fail/full", 503, "2")])
def test_who_must_wait_is_told_how_long(ask: HTTPConnection, path: str, status: int, after: str) -> None:
    ask.request("GET", path)
    response, said = answer(ask)
    assert response.status == status and response.headers["retry-after"] == after and said["message"]


def test_a_fault_of_ours_is_500_and_tells_nothing_of_our_insides(ask: HTTPConnection) -> None:
    ask.request("GET", "/fail/bug")
    response, said = answer(ask)
    assert response.status == 500 and said["code"] == "internal" and "secret" not in json.dumps(said)


def test_pages_are_an_asgi_application_behind_the_same_entry(ask: HTTPConnection) -> None:
    ask.request("POST", "/page?q=1", body=b"form")
    response, said = answer(ask)
    assert response.status == 200 and said == {"body": "form", "query": "q=1"}
    assert response.headers.get_all("x-twice") == ["1", "2"]
    ask.request("GET", "/stream")
    assert ask.getresponse().read() == b"".join(b"part %d\n" % n for n in range(5))
    ask.request("GET", "/nothing/here")
    response = ask.getresponse()
    assert (response.status, response.read()) == (404, b"Not Found")


def test_a_hot_path_may_leave_a_request_to_the_pages_with_its_body(ask: HTTPConnection) -> None:
    ask.request("POST", "/echo/page?q=1", body=b"form")
    response, said = answer(ask)
    assert response.status == 200 and said == {"body": "form", "query": "q=1"}


def test_a_page_has_a_limit_too(ask: HTTPConnection) -> None:
    ask.request("POST", "/page", body=b"x" * 2000)
    assert answer(ask)[0].status == 413


def test_a_head_request_has_headers_only(ask: HTTPConnection) -> None:
    ask.request("HEAD", "/echo")
    response = ask.getresponse()
    assert response.status == 200 and response.read() == b""


def seen(ask: HTTPConnection) -> list[str]:
    ask.request("GET", "/hold/seen")
    response = ask.getresponse()
    found: list[str] = json.loads(response.read())
    return found


def test_an_answer_may_last_and_its_end_is_seen(ask: HTTPConnection, server) -> None:  # type: ignore[no-untyped-def] - a fixture
    before = len(seen(ask))
    reader = HTTPConnection("127.0.0.1", server[0], timeout=90)
    reader.request("GET", "/hold")
    response = reader.getresponse()
    assert response.getheader("transfer-encoding") == "chunked"
    assert response.read(5) == b"first", "what is sent arrives at once"
    assert len(seen(ask)) == before
    response.close()
    reader.close()
    end = time.monotonic() + 90
    while len(seen(ask)) == before:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert seen(ask)[before:] == ["gone"]


def test_an_answer_that_breaks_while_it_lasts_ends_there(ask: HTTPConnection) -> None:
    ask.request("GET", "/hold/broken")
    response = ask.getresponse()
    assert response.status == 200
    assert response.read() == b"first"
    assert isinstance(seen(ask), list), "and the server goes on"
