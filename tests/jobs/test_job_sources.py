"""Lists from the web and from S3, on real servers."""

from __future__ import annotations

import errno
import gzip
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from job_world import World
from moto.server import ThreadedMotoServer

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


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The bucket `lists`, and the environment in which the SDK finds it."""
    for name, value in (
        ("AWS_ENDPOINT_URL_S3", moto),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_MAX_ATTEMPTS", "1"),
    ):
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3").Bucket("lists")
    made.create()
    made.put_object(Key="spring/people.csv.gz", Body=gzip.compress(LIST))
    made.put_object(Key="left-out.csv", Body=b"b@x.example\n")
    made.put_object(Key="large.csv", Body=LIST + b"c@x.example\n" * 1000)
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture
async def with_buckets(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path, jobs_buckets=("lists", "gone"), jobs_list_limit=10_000)
    await made.template("t")
    yield made
    await made.close()


async def test_lists_come_from_a_bucket(with_buckets: World, bucket: Any) -> None:
    """As the document's own example names one (S1:L235)."""
    options = {"suppress": ["s3://lists/left-out.csv"]}
    job = await with_buckets.order("s3://lists/spring/people.csv.gz", options=options)
    assert (await with_buckets.until(job, "finished")).counts == {"sent": 1, "refused": 1}
    assert with_buckets.addresses() == ["a@x.example"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("s3://lists/myfile.txt", "The specified key does not exist."),
        ("s3://gone/myfile.txt", "The specified key does not exist."),
        ("s3://lists/large.csv", "it has more than 10000 bytes (jobs_list_limit)"),
        ("s3://others/people.csv", "the bucket others is not open to jobs (jobs_buckets)"),
    ],
)
async def test_what_is_no_list_in_a_bucket_is_a_failed_job_in_the_documents_words(
    with_buckets: World, bucket: Any, source: str, why: str
) -> None:
    standing = await with_buckets.until(await with_buckets.order(source), "failed")
    assert standing.job.error_code == "Transfer Error"
    assert standing.job.error_message == f"Error retrieving file: {source} - {why}"


async def test_a_bucket_that_does_not_answer_is_asked_again(
    with_buckets: World, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
    job = await with_buckets.order("s3://lists/left-out.csv")
    await with_buckets.steps(3)
    assert with_buckets.standing(job).job.state == "submitted"
    monkeypatch.undo()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", bucket.meta.client.meta.endpoint_url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    assert (await with_buckets.until(job, "finished", seconds=1)).counts == {"sent": 1}


async def test_an_extra_that_is_missing_is_named(
    with_buckets: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    standing = await with_buckets.until(await with_buckets.order("s3://lists/x.csv"), "failed")
    assert "pip install 'heliograph[aws]'" in str(standing.job.error_message)


async def test_a_full_disk_is_waited_for_and_ends_the_job_in_words(
    near: World, web: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, __: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as during:
        during.setattr(Path, "replace", full)
        job = await near.order(f"{web}/list.csv.gz")
        await near.steps(3)
    assert (await near.until(job, "finished", seconds=1)).counts == {"sent": 2}
    monkeypatch.setattr(Path, "replace", full)
    standing = await near.until(await near.order(f"{web}/list.csv.gz"), "failed", seconds=10)
    assert standing.job.error_code == "Job Error"
    assert "No space left" in str(standing.job.error_message)
