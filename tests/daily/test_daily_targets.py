"""Where daily files go beside folders: a real SFTP server, and S3 as moto serves it (LIT-15)."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import asyncssh
import boto3
import pytest
from moto.server import ThreadedMotoServer

from heliograph.outbound.daily.target import Exists, Failed, Put
from heliograph.outbound.daily.targets import folder, s3, sftp, target_of
from heliograph.settings import Settings

NAME = "89r4i3l4_2026_03_02.zip"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / NAME
    made.write_bytes(b"zip" * 1000)
    return made


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    made = tmp_path / "empty"
    made.touch()
    return made


class Sftp(NamedTuple):
    """A server, the folder that it serves, and what a client needs."""

    address: str
    root: Path
    settings: Settings


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Sftp]:
    root, host, key = *_prepared(tmp_path), tmp_path / "key"

    def rooted(channel: Any) -> asyncssh.SFTPServer:
        return asyncssh.SFTPServer(channel, chroot=str(root).encode())

    listening = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host],
        authorized_client_keys=str(tmp_path / "authorized"),
        sftp_factory=rooted,
    )
    port = listening.get_port()
    known = _known(tmp_path, f"[127.0.0.1]:{port} {host.export_public_key().decode().strip()}\n")
    settings = Settings(sftp_key=str(key), sftp_known_hosts=str(known))
    yield Sftp(f"sftp://me@127.0.0.1:{port}/in", root / "in", settings)
    listening.close()
    await listening.wait_closed()


def _prepared(place: Path) -> tuple[Path, asyncssh.SSHKey]:
    """The folder that a server serves and its key; a client's key beside it."""
    root = place / "theirs"
    (root / "in").mkdir(parents=True)
    host, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
    key.write_private_key(str(place / "key"))
    key.write_public_key(str(place / "authorized"))
    return root, host


def _known(place: Path, line: str) -> Path:
    made = place / "known_hosts"
    made.write_text(line)
    return made


async def test_a_file_goes_to_an_sftp_server_and_is_never_overwritten(server: Sftp, file: Path) -> None:
    """LIT-15"""
    assert await sftp.put(server.address, [file], server.settings) == [Put()]
    assert listed(server.root) == {NAME: b"zip" * 1000}
    assert await sftp.put(server.address, [file], server.settings) == [Exists()]
    assert listed(server.root) == {NAME: b"zip" * 1000}


def listed(root: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in root.iterdir()}


async def test_a_host_whose_key_is_not_known_is_given_nothing(server: Sftp, file: Path, empty: Path) -> None:
    settings = Settings(sftp_key=server.settings.sftp_key, sftp_known_hosts=str(empty))
    (outcome,) = await sftp.put(server.address, [file], settings)
    assert isinstance(outcome, Failed) and "not trusted" in outcome.why
    assert listed(server.root) == {}


async def test_an_sftp_server_that_is_away_or_has_no_such_folder_is_a_failure(
    server: Sftp, file: Path
) -> None:
    (missing,) = await sftp.put(server.address + "/none", [file], server.settings)
    assert isinstance(missing, Failed)
    (away,) = await sftp.put("sftp://me@127.0.0.1:1/in", [file], server.settings)
    assert isinstance(away, Failed) and away.why.startswith("sftp://127.0.0.1:1/in: ")
    (nonsense,) = await sftp.put("sftp://me@127.0.0.1:99999999/in", [file], server.settings)
    assert isinstance(nonsense, Failed)


@pytest.mark.parametrize(("target", "module"), [(sftp, "asyncssh"), (s3, "boto3")])
async def test_an_extra_that_is_missing_is_a_failure_that_names_it(
    file: Path, monkeypatch: pytest.MonkeyPatch, target: Any, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    (outcome,) = await target.put("x://y/z", [file], Settings())
    assert isinstance(outcome, Failed) and "pip install 'heliograph[" in outcome.why


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    yield f"http://{host}:{port}"
    moto.stop()


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An empty bucket, and the environment in which ours is found."""
    for name, value in (
        ("AWS_ENDPOINT_URL_S3", store),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    made = boto3.resource("s3").Bucket("reports")
    made.create()
    yield made
    made.objects.all().delete()
    made.delete()


async def test_a_file_goes_to_s3_and_is_never_overwritten(bucket: Any, file: Path) -> None:
    """LIT-15"""
    assert await s3.put("s3://reports/daily/", [file], Settings()) == [Put()]
    assert await s3.put("s3://reports/daily", [file], Settings()) == [Exists()]
    (kept,) = bucket.objects.all()
    assert kept.key == f"daily/{NAME}"
    assert kept.get()["Body"].read() == b"zip" * 1000


async def test_a_name_that_is_taken_between_look_and_write_is_not_overwritten(
    bucket: Any, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LIT-15: by the store's own condition."""
    assert await s3.put("s3://reports", [file], Settings()) == [Put()]
    blind = boto3.client("s3")
    monkeypatch.setattr(blind, "list_objects_v2", lambda **_: {})
    monkeypatch.setattr(boto3, "client", lambda _: blind)
    assert await s3.put("s3://reports", [file], Settings()) == [Exists()]


async def test_a_bucket_that_is_not_there_is_a_failure(bucket: Any, file: Path) -> None:
    (outcome,) = await s3.put("s3://nothing", [file], Settings())
    assert isinstance(outcome, Failed) and "NoSuchBucket" in outcome.why


async def test_a_folder_that_cannot_be_written_is_a_failure(file: Path) -> None:
    (outcome,) = await folder.put(f"{file}/below", [file], Settings())
    assert isinstance(outcome, Failed)


def test_an_address_says_what_sort_of_place_it_is() -> None:
    assert target_of("/var/reports") is folder.TARGET
    assert target_of("sftp://x/y") is sftp.TARGET
    assert target_of("s3://x") is s3.TARGET
