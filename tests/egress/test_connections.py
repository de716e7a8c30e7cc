"""When a connection is used again and when it is not, and answers in every form that HTTP/1.1 has (RFC 9112)."""

from __future__ import annotations

import asyncio
import io
import socket

import pytest
from raw_receiver import OK, PATIENCE, Behaviour, MakeEgress, Receiver, Serve

from heliograph.egress import Answer, Failed
from heliograph.egress.connections import CONNECTIONS_PER_HOST


def dropping(receiver: Receiver) -> Behaviour:
    """Answer one request of each connection; hang up when the next has come, without a word."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receiver.request(reader)
        writer.write(OK)
        await receiver.request(reader)

    return behave


async def test_a_get_is_repeated_when_a_kept_connection_ends_without_an_answer(
    door: MakeEgress, serve: Serve
) -> None:
    """RFC 9112 section 9.3.1: what may be done twice is."""
    receiver = await serve(dropping)
    egress = door()
    for _ in range(2):
        assert isinstance(await egress.get(receiver.url(), {}, PATIENCE), Answer)
    assert (receiver.connections, len(receiver.bodies)) == (2, 3)


async def test_a_post_is_never_repeated_by_itself(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve(dropping)
    egress = door()
    await egress.post(receiver.url(), b"{}", {}, PATIENCE)
    outcome = await egress.post(receiver.url(), b"{}", {}, PATIENCE)
    assert isinstance(outcome, Failed) and (outcome.kind, outcome.begun) == ("connect", True)
    assert (receiver.connections, len(receiver.bodies)) == (1, 2)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n",
            b"abcde",
        ),
        (b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
        (b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", b"hi"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    ],
)
async def test_an_answer_in_any_form_is_whole_and_its_connection_used_again(
    door: MakeEgress, serve: Serve, answer: bytes, body: bytes
) -> None:
    receiver = await serve(lambda r: r.answering(answer))
    egress = door()
    for _ in range(2):
        told = await egress.post(receiver.url(), b"{}", {}, PATIENCE)
        assert isinstance(told, Answer), told
        assert (told.body, "x" in told.headers) == (body, False)
    assert receiver.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        OK + b"evil",
    ],
)
async def test_a_connection_that_says_close_or_too_much_is_not_used_again(
    door: MakeEgress, serve: Serve, answer: bytes
) -> None:
    """What comes unasked would be taken for the next answer."""
    receiver = await serve(lambda r: r.answering(answer))
    egress = door()
    for _ in range(3):
        told = await egress.post(receiver.url(), b"{}", {}, PATIENCE)
        assert isinstance(told, Answer | Failed)
        assert not isinstance(told, Answer) or told.body == b"ok"
    assert receiver.connections == 3


async def test_what_comes_while_nobody_asks_ends_the_connection(door: MakeEgress, serve: Serve) -> None:
    late = asyncio.Event()

    def chatty(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            writer.write(OK)
            await late.wait()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            await reader.read()

        return behave

    receiver = await serve(chatty)
    egress = door()
    await egress.post(receiver.url(), b"{}", {}, PATIENCE)
    late.set()
    await asyncio.wait_for(receiver.ended.wait(), PATIENCE)
    told = await egress.post(receiver.url(), b"{}", {}, PATIENCE)
    assert isinstance(told, Answer) and told.body == b"ok"
    assert receiver.connections == 2


async def test_a_body_that_ends_with_its_connection_is_whole(door: MakeEgress, serve: Serve) -> None:
    def closing(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nto the ")
            await writer.drain()
            writer.write(b"end")

        return behave

    told = await door().post((await serve(closing)).url(), b"{}", {}, PATIENCE)
    assert isinstance(told, Answer) and (told.body, told.truncated) == (b"to the end", False)


async def test_a_large_body_goes_into_a_file_in_pieces(door: MakeEgress, serve: Serve) -> None:
    body = bytes(range(256)) * 8192  # 2 MiB
    receiver = await serve(
        lambda r: r.answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    )
    egress, file = door(), io.BytesIO()
    told = await egress.fetch(receiver.url(), file, PATIENCE, cap=len(body))
    assert isinstance(told, Answer) and (told.truncated, file.getvalue() == body) == (False, True)
    short = io.BytesIO()
    told = await egress.fetch(receiver.url(), short, PATIENCE, cap=1_000_000)
    assert isinstance(told, Answer) and told.truncated and len(short.getvalue()) <= 1_000_000
    assert isinstance(await egress.post(receiver.url(), b"{}", {}, PATIENCE), Answer)
    assert receiver.connections == 2


async def test_a_file_that_breaks_off_is_a_failure(door: MakeEgress, serve: Serve) -> None:
    def breaking(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_000_000)
            await writer.drain()

        return behave

    told = await door().fetch((await serve(breaking)).url(), io.BytesIO(), PATIENCE, cap=3_000_000)
    assert isinstance(told, Failed) and (told.kind, told.begun) == ("protocol", True)


async def test_calls_that_reach_nobody_give_their_places_back(door: MakeEgress) -> None:
    egress = door()
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        outcomes = [await egress.post(url, b"{}", {}, PATIENCE) for _ in range(CONNECTIONS_PER_HOST + 1)]
    assert {outcome.kind for outcome in outcomes if isinstance(outcome, Failed)} == {"connect"}


async def test_a_cancelled_call_gives_its_place_back(door: MakeEgress, serve: Serve) -> None:
    """More calls than one host has places, all given up: the next still gets through."""
    full = asyncio.Event()

    def silent_first(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            if len(receiver.heads) == 128:
                full.set()
            elif len(receiver.heads) > 128:
                writer.write(OK)
            await reader.read()

        return behave

    receiver = await serve(silent_first)
    egress = door()
    calls = [asyncio.create_task(egress.post(receiver.url(), b"{}", {}, PATIENCE)) for _ in range(150)]
    await asyncio.wait_for(full.wait(), PATIENCE)
    assert receiver.connections == 128
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(await egress.post(receiver.url(), b"{}", {}, PATIENCE), Answer)
