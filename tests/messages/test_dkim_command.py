"""`heliograph dkim` and a name server: make keys, publish them, look them up, let them sign."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from mail_world import ACCOUNT
from typer.testing import CliRunner

from heliograph.accounts.dkim import DkimKey
from heliograph.accounts.keys import first_start
from heliograph.app import dkim as keys
from heliograph.cli.dkim import dkim
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.migrations import migrate
from heliograph.settings import Settings


class NameServer:
    """A name server on this machine that has these TXT records."""

    def __init__(self) -> None:
        self.records: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            query, asker = self._socket.recvfrom(4096)
            if not query:
                return
            answer = dns.message.make_response(dns.message.from_wire(query))
            answer.flags |= dns.flags.RA
            name = answer.question[0].name.to_text()
            texts = self.records.get(name.rstrip("."))
            if texts is None:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            else:
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *texts))
            self._socket.sendto(answer.to_wire(), asker)

    def close(self) -> None:
        host, port = self._socket.getsockname()
        self._socket.sendto(b"", (host, port))
        self._thread.join(60)
        self._socket.close()


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    made = NameServer()
    yield made
    made.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    engine = open_state(tmp_path)
    migrate(engine)
    first_start(engine, tmp_path, "http://x", 1)
    engine.dispose()
    return Settings(data=str(tmp_path))


def quoted(key: DkimKey) -> str:
    """The record as zone files have it: strings of 255 bytes."""
    record = key.record
    return " ".join(f'"{record[at : at + 255]}"' for at in range(0, len(record), 255))


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(dkim, arguments)
    assert result.exit_code == code, result.output
    return result.output


def test_a_key_signs_when_the_dns_has_it(settings: Settings, name_server: NameServer) -> None:
    data, ask = ("--data", settings.data), ("--resolver", name_server.address)
    printed = run("add", "Shop.example", "--selector", "one", *data)
    made = keys.keys(settings, None)
    assert [(key.domain, key.selector, key.active) for key in made] == [
        ("shop.example", "one", None),
        ("shop.example", "one-ed25519", None),
    ]
    for key in made:
        assert f"{key.name}. IN TXT {quoted(key)}" in printed
    assert "no TXT record of this name yet" in run("check", *data, *ask, code=1)
    run("activate", "shop.example", "one", *data, *ask, code=2)
    name_server.records = {key.name: [quoted(key)] for key in made}
    assert run("check", *data, *ask).count("published") == 2
    assert "one signs mail from shop.example" in run("activate", "shop.example", "one", *data, *ask)
    assert [key.active is not None for key in keys.keys(settings, None)] == [True, False]
    assert "does not sign" in run("list", *data)
    run("remove", "shop.example", "one", *data)
    assert [key.selector for key in keys.keys(settings, None)] == ["one-ed25519"]
    assert quoted(made[1]) in run("records", "shop.example", *data)


def test_a_record_that_is_wrong_is_told_from_one_that_is_not_there(
    settings: Settings, name_server: NameServer
) -> None:
    mine, other = (keys.add(settings, None, "shop.example", name, ("ed25519",))[0] for name in ("a", "b"))
    for texts, why in (
        ([quoted(other)], "the record is of another key"),
        (['"v=DKIM1; k=ed25519; p="'], "revokes the key"),
        ([quoted(mine), quoted(other)], "several TXT records"),
        (['"v=spf1 -all"'], "of another key"),
        ([quoted(mine).replace("; ", ";  ").replace("p=", "p= ")], ""),
    ):
        name_server.records = {mine.name: texts}
        (found,) = keys.published([mine], name_server.address)
        assert why in found.why and bool(why) is bool(found.why)


def test_wrong_names_are_refused_by_name(settings: Settings) -> None:
    with pytest.raises(OperatorError, match="there is no key x of shop"):
        keys.activate(settings, None, "shop.example", "x")
    with pytest.raises(OperatorError, match="no address of a name server"):
        keys.published([], "nowhere")
    with pytest.raises(OperatorError, match="--account"):
        keys.add(settings, ACCOUNT, "shop.example", None, ("rsa",))
