"""POSTs to real sockets: what comes back, what is refused, and what the worst receivers cost."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import Sequence
from typing import Any

import pytest
from aiohappyeyeballs import AddrInfoType, start_connection
from raw_receiver import OK, PATIENCE, Authority, Behaviour, MakeEgress, Receiver, Serve

from heliograph.egress import BODY_CAP, Answer, Egress, Failed, connections

HEADERS = {"Content-Type": "application/json", "User-Agent": "Remarkety"}
REDIRECT = (
    b"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n"
    b"Content-Length: 0\r\n\r\n"
)


async def test_an_answer_has_its_status_headers_and_body(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve(
        lambda r: r.answering(b"HTTP/1.1 202 Accepted\r\nX-Case: Kept\r\nContent-Length: 4\r\n\r\ntext")
    )
    answer = await door().post(receiver.url(), b'{"a":1}', HEADERS, PATIENCE)
    assert isinstance(answer, Answer)
    assert (answer.status, answer.headers["x-case"], answer.body, answer.truncated) == (
        202,
        "Kept",
        b"text",
        False,
    )
    assert receiver.bodies == [b'{"a":1}']


async def test_what_goes_out_is_what_was_given_and_nothing_more(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve()
    await door().post(receiver.url() + "?shop=7#part", b"{}", HEADERS, PATIENCE)
    lines = receiver.heads[0].decode().rstrip("\r\n").split("\r\n")
    assert lines[0] == "POST /hook?shop=7 HTTP/1.1"
    assert sorted(lines[1:]) == sorted(
        (
            f"Host: 127.0.0.1:{receiver.port}",
            "Content-Type: application/json",
            "User-Agent: Remarkety",
            "Content-Length: 2",
        )
    )


@pytest.mark.parametrize("status", [204, 301, 302, 304, 400, 404, 410, 418, 429, 500, 503, 599])
async def test_every_status_is_an_answer(door: MakeEgress, serve: Serve, status: int) -> None:
    receiver = await serve(lambda r: r.answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status))
    answer = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(answer, Answer) and answer.status == status


async def test_a_redirect_is_not_followed(door: MakeEgress, serve: Serve) -> None:
    """RM-15: 3xx is an answer; the metadata service behind it is never asked."""
    other = await serve()
    for location in ("http://169.254.169.254/latest/", other.url()):
        receiver = await serve(
            lambda r, to=location: r.answering(
                f"HTTP/1.1 307 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode()
            )
        )
        answer = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
        assert isinstance(answer, Answer) and answer.status == 307
    assert other.connections == 0


async def test_connections_are_used_again(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve()
    egress = door()
    for _ in range(5):
        assert isinstance(await egress.post(receiver.url(), b"{}", HEADERS, PATIENCE), Answer)
    assert (receiver.connections, len(receiver.bodies)) == (1, 5)


async def test_a_connection_that_the_receiver_closed_is_not_used_again(
    door: MakeEgress, serve: Serve
) -> None:
    def once(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            writer.write(OK)
            await writer.drain()

        return behave

    receiver = await serve(once)
    egress = door()
    for _ in range(3):
        assert isinstance(await egress.post(receiver.url(), b"{}", HEADERS, PATIENCE), Answer)
        await let_go(egress)
    assert receiver.connections == 3


async def let_go(egress: Egress) -> None:
    """Return when no connection is left that would be used again: what the receiver closed is known here by then."""
    async with asyncio.timeout(PATIENCE):
        while any(one.reusable for host in egress._connections._hosts.values() for _, one in host.idle):  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.001)


async def test_cookies_are_not_kept(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve(
        lambda r: r.answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: who=you; Path=/\r\nContent-Length: 0\r\n\r\n")
    )

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    egress = door(resolve=here)
    for _ in range(2):
        assert isinstance(await egress.post(receiver.url(host="x.test"), b"{}", HEADERS, PATIENCE), Answer)
    assert b"cookie" not in receiver.heads[1].lower()


async def test_proxies_of_the_environment_are_not_used(
    door: MakeEgress, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver, proxy = await serve(), await serve()
    for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{proxy.port}")
    assert isinstance(await door().post(receiver.url(), b"{}", HEADERS, PATIENCE), Answer)
    assert (receiver.connections, proxy.connections) == (1, 0)


LOOPBACK_IN_DISGUISE = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "00000177.0.0.1",
    "127.000.000.001",
    "0",
    "0.0.0.0",
    "localhost",
    "localhost.",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[2002:7f00:1::]",
    "[fe80::1%25lo]",
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",
    "\uff11\uff12\uff17.0.0.1",
    "127\u30020.0.1",
    "%31%32%37.0.0.1",
]


@pytest.mark.parametrize("host", LOOPBACK_IN_DISGUISE)
async def test_no_spelling_of_this_machine_is_called(door: MakeEgress, serve: Serve, host: str) -> None:
    """Every form goes through the system's own resolver to the guard; the receiver that listens sees nobody."""
    receiver = await serve(host="127.0.0.1")
    outcome = await door(allow=()).post(receiver.url(host=host), b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed)
    assert outcome.kind in ("refused", "dns")
    assert receiver.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost"])
async def test_the_same_receiver_can_be_called_when_it_is_allowed(
    door: MakeEgress, serve: Serve, host: str
) -> None:
    receiver = await serve(host="127.0.0.1")
    assert isinstance(await door().post(receiver.url(host=host), b"{}", HEADERS, PATIENCE), Answer)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://127.0.0.1/hook",
        "file:///etc/passwd",
        "gopher://127.0.0.1:25/_HELO",
        "unix:///run/docker.sock",
        "//127.0.0.1/hook",
        "/hook",
        "hook",
        "",
        "http://",
        "http:///hook",
        "http://:80/hook",
        "http://user@127.0.0.1/hook",
        "http://user:password@127.0.0.1/hook",
        "http://:password@127.0.0.1/hook",
        "http://127.0.0.1:99999/hook",
        "http://127.0.0.1:port/hook",
        "http://127.0.0.1:0/hook",
        "http://[::1/hook",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX-Injected: 1",
        "http://127.0.0.1/\x00",
        "http://\ud800.example/hook",
    ],
)
async def test_what_is_no_http_url_is_refused_and_never_raises(door: MakeEgress, url: str) -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise AssertionError(f"{host} was looked up")

    outcome = await door(allow=("0.0.0.0/0", "::/0"), resolve=nowhere).post(url, b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == "refused", outcome


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Event-Topic", "email/sent\r\nX-Injected: 1"),
        ("X-Event-Topic", "email/sent\nX-Injected: 1"),
        ("X-Event-Topic", "email\x00sent"),
        ("X-Injected: 1\r\nX", "value"),
        ("X Y", "value"),
        ("", "value"),
    ],
)
async def test_a_header_cannot_smuggle_another(door: MakeEgress, serve: Serve, name: str, value: str) -> None:
    receiver = await serve()
    outcome = await door().post(receiver.url(), b"{}", {name: value}, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == "refused"
    assert receiver.connections == 0


async def test_a_name_that_turns_to_a_private_address_is_refused(door: MakeEgress, serve: Serve) -> None:
    """DNS rebinding: what was looked up is what is judged and what is connected, each time."""
    receiver = await serve(host="127.0.0.1")
    answers = iter((["127.0.0.1"], ["127.0.0.2"], ["10.0.0.1", "169.254.169.254"]))

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    egress = door(allow=("127.0.0.1/32",), resolve=rebinding)
    assert isinstance(await egress.post(receiver.url(host="a.test"), b"{}", HEADERS, PATIENCE), Answer)
    for host in ("b.test", "c.test"):
        outcome = await egress.post(receiver.url(host=host), b"{}", HEADERS, PATIENCE)
        assert isinstance(outcome, Failed) and outcome.kind == "refused"
    assert receiver.connections == 1


async def test_a_name_is_looked_up_once_for_a_connection(door: MakeEgress, serve: Serve) -> None:
    """There is no second look-up between judging and connecting that could answer otherwise."""
    receiver = await serve(host="127.0.0.1")
    asked: list[str] = []

    async def counted(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    assert isinstance(
        await door(resolve=counted).post(receiver.url(host="x.test"), b"{}", HEADERS, PATIENCE), Answer
    )
    assert asked == ["x.test"]


async def test_of_several_addresses_only_permitted_ones_are_tried(
    door: MakeEgress, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver = await serve(host="127.0.0.1")
    tried: list[str] = []

    async def mixed(host: str, port: int) -> Sequence[str]:
        return ["10.0.0.1", "169.254.169.254", "fe80::1", "127.0.0.1"]

    async def dial(infos: Sequence[AddrInfoType], **options: Any) -> socket.socket:
        tried.extend(address for *_, (address, *_) in infos)
        return await start_connection(infos, **options)

    monkeypatch.setattr(connections, "start_connection", dial)
    egress = door(allow=("127.0.0.1/32",), resolve=mixed)
    assert isinstance(await egress.post(receiver.url(host="x.test"), b"{}", HEADERS, PATIENCE), Answer)
    assert tried == ["127.0.0.1"]


async def test_a_name_without_an_address_is_a_dns_failure(door: MakeEgress) -> None:
    async def missing(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def empty(host: str, port: int) -> Sequence[str]:
        return []

    for resolve in (missing, empty):
        outcome = await door(resolve=resolve).post("https://x.test/hook", b"{}", HEADERS, PATIENCE)
        assert isinstance(outcome, Failed) and outcome.kind == "dns", outcome


@pytest.mark.parametrize(
    "host", [".example.com", "a..b", "a" * 300 + ".example", "-", "*", "x" * 70 + ".test"]
)
async def test_a_name_that_is_none_is_a_value_too(door: MakeEgress, host: str) -> None:
    outcome = await door(allow=()).post(f"https://{host}/hook", b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind in ("dns", "refused"), outcome


async def test_a_look_up_that_hangs_ends_with_the_timeout(door: MakeEgress) -> None:
    async def hanging(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    outcome = await door(resolve=hanging).post("https://x.test/hook", b"{}", HEADERS, 0.1)
    assert isinstance(outcome, Failed) and outcome.kind == "timeout"


async def test_a_closed_port_is_a_connect_failure(door: MakeEgress) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        outcome = await door().post(f"http://127.0.0.1:{bound.getsockname()[1]}/", b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == "connect", outcome


def sending(*parts: bytes, pause: float = 0.0, then_close: bool = True) -> object:
    """A behaviour: read the request, send the parts, then close or hang."""

    def make(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(pause)
            if not then_close:
                await reader.read()  # until the caller hangs up

        return behave

    return make


@pytest.mark.parametrize(
    ("bytes_sent", "kind"),
    [
        (b"", "connect"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "protocol"),
        (b"220 mail.example ESMTP\r\n", "protocol"),
        (b"HTTP/1.1 abc OK\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 100_000 + b"\r\n", "protocol"),
        (b"\x00" * 4096, "protocol"),
    ],
)
async def test_what_is_not_http_is_a_failure_and_never_raises(
    door: MakeEgress, serve: Serve, bytes_sent: bytes, kind: str
) -> None:
    receiver = await serve(sending(bytes_sent))
    outcome = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == kind, outcome


async def test_a_reset_is_a_connect_failure(door: MakeEgress, serve: Serve) -> None:
    def resetting(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await receiver.request(reader)
            writer.transport.abort()

        return behave

    outcome = await door().post((await serve(resetting)).url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == "connect", outcome


async def test_silence_ends_with_the_timeout(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve(sending(then_close=False))
    outcome = await in_vain(door(), receiver, 0.2)
    assert isinstance(outcome, Failed) and outcome.kind == "timeout"
    await asyncio.wait_for(receiver.ended.wait(), PATIENCE)  # we hung up


async def in_vain(egress: Egress, receiver: Receiver, seconds: float) -> Answer | Failed:
    """What comes of a call that has so many seconds, once one has reached the receiver: a busy machine may need more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            outcome = await egress.post(receiver.url(), b"{}", HEADERS, seconds)
            if receiver.heads:
                return outcome


@pytest.mark.parametrize(
    "head", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"]
)
async def test_a_trickle_does_not_stretch_the_timeout(door: MakeEgress, serve: Serve, head: bytes) -> None:
    drops = (b"HTTP/1.1 200 OK\r\n" if not head else b"X" * 1000,)
    trickle = [bytes((byte,)) for byte in drops[0]]
    receiver = await serve(sending(head, *trickle, pause=0.05))
    outcome = await in_vain(door(), receiver, 0.3)
    assert isinstance(outcome, Failed) and outcome.kind == "timeout"
    await asyncio.wait_for(receiver.ended.wait(), PATIENCE)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n",
    ],
)
async def test_an_endless_answer_costs_no_more_than_the_cap(
    door: MakeEgress, serve: Serve, head: bytes
) -> None:
    block = b"x" * 65536
    chunk = b"10000\r\n" + block + b"\r\n" if b"chunked" in head else block
    written = 0

    def endless(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal written
            await receiver.request(reader)
            writer.write(head)
            while not writer.is_closing():
                writer.write(chunk)
                written += len(chunk)
                await writer.drain()

        return behave

    receiver = await serve(endless)
    answer = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(answer, Answer)
    assert (answer.status, len(answer.body), answer.truncated) == (200, BODY_CAP, True)
    await asyncio.wait_for(receiver.ended.wait(), PATIENCE)
    assert written < 32 * 1024 * 1024  # what the kernel's buffers took; ten gigabytes were on offer


async def test_a_body_of_exactly_the_cap_is_whole(door: MakeEgress, serve: Serve) -> None:
    body = b"y" * BODY_CAP
    receiver = await serve(lambda r: r.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + body))
    answer = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(answer, Answer)
    assert (answer.body, answer.truncated) == (body, False)


async def test_nothing_is_unpacked(door: MakeEgress, serve: Serve) -> None:
    """A bomb stays what it is on the wire."""
    bomb = gzip.compress(b"0" * 30_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    receiver = await serve(lambda r: r.answering(head + bomb))
    answer = await door().post(receiver.url(), b"{}", HEADERS, PATIENCE)
    assert isinstance(answer, Answer)
    assert answer.body == bomb[:BODY_CAP]


async def test_https_with_a_trusted_certificate_is_called(
    door: MakeEgress, serve: Serve, authority: Authority
) -> None:
    receiver = await serve(tls=authority.serving)

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    egress = door(tls=authority.trusting, resolve=here)
    for host in ("127.0.0.1", "receiver.test"):
        assert isinstance(await egress.post(receiver.url("https", host), b"{}", HEADERS, PATIENCE), Answer)
    assert receiver.bodies == [b"{}", b"{}"]


async def test_a_certificate_for_another_host_or_from_nobody_is_not_trusted(
    door: MakeEgress, serve: Serve, authority: Authority
) -> None:
    receiver = await serve(tls=authority.serving)

    async def here(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    stranger = await door(resolve=here).post(receiver.url("https"), b"{}", HEADERS, PATIENCE)
    assert isinstance(stranger, Failed) and stranger.kind == "tls", stranger
    other = door(tls=authority.trusting, resolve=here)
    mismatch = await other.post(receiver.url("https", "other.test"), b"{}", HEADERS, PATIENCE)
    assert isinstance(mismatch, Failed) and mismatch.kind == "tls", mismatch
    assert receiver.bodies == []


async def test_https_to_a_port_that_speaks_plain_http_is_a_tls_failure(
    door: MakeEgress, serve: Serve
) -> None:
    def plain(receiver: Receiver) -> Behaviour:
        async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            await writer.drain()

        return behave

    outcome = await door().post((await serve(plain)).url("https"), b"{}", HEADERS, PATIENCE)
    assert isinstance(outcome, Failed) and outcome.kind == "tls", outcome


async def test_a_handshake_that_never_ends_is_a_timeout(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve(sending(then_close=False))
    outcome = await door().post(receiver.url("https"), b"{}", HEADERS, 0.2)
    assert isinstance(outcome, Failed) and outcome.kind == "timeout"


async def test_one_silent_receiver_does_not_hold_up_another(door: MakeEgress, serve: Serve) -> None:
    silent, quick = await serve(sending(then_close=False)), await serve()
    egress = door()
    waiting = [
        asyncio.create_task(egress.post(silent.url(), b"{}", HEADERS, 10 * PATIENCE)) for _ in range(100)
    ]
    for _ in range(50):
        assert isinstance(await egress.post(quick.url(), b"{}", HEADERS, PATIENCE), Answer)
    assert not any(task.done() for task in waiting)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_closed_door_opens_again(door: MakeEgress, serve: Serve) -> None:
    receiver = await serve()
    egress = door()
    await egress.post(receiver.url(), b"{}", HEADERS, PATIENCE)
    await egress.close()
    await egress.close()
    assert isinstance(await egress.post(receiver.url(), b"{}", HEADERS, PATIENCE), Answer)


async def test_a_get_has_no_body_and_its_own_cap(door: MakeEgress, serve: Serve) -> None:
    body = b"x" * 300_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body
    receiver = await serve(lambda receiver: receiver.answering(answer))
    egress = door()
    whole = await egress.get(receiver.url(), {"Accept": "image/png"}, PATIENCE, cap=400_000)
    assert isinstance(whole, Answer)
    assert (whole.status, whole.body, whole.truncated) == (200, body, False)
    head = receiver.heads[0].lower()
    assert head.startswith(b"get /hook http/1.1\r\n") and b"accept: image/png" in head
    assert b"content-length" not in head and b"transfer-encoding" not in head
    short = await egress.get(receiver.url(), {}, PATIENCE)
    assert isinstance(short, Answer) and (len(short.body), short.truncated) == (BODY_CAP, True)
    exact = await egress.get(receiver.url(), {}, PATIENCE, cap=300_000)
    assert isinstance(exact, Answer) and (len(exact.body), exact.truncated) == (300_000, False)


async def test_a_get_is_guarded_as_a_post_is(door: MakeEgress, serve: Serve) -> None:
    """PER-13: the same address guard, the same URLs, redirects not followed, no header smuggled."""
    receiver = await serve(lambda receiver: receiver.answering(REDIRECT))
    answer = await door().get(receiver.url(), {}, PATIENCE)
    assert isinstance(answer, Answer) and answer.status == 307 and receiver.connections == 1
    for egress, url, headers in (
        (door(allow=()), receiver.url(), {}),
        (door(), "http://169.254.169.254/latest/meta-data/", {}),
        (door(), "http://[::ffff:169.254.169.254]/", {}),
        (door(), "file:///etc/passwd", {}),
        (door(), receiver.url().replace("//", "//user:password@"), {}),
        (door(), receiver.url(), {"X": "a\r\nY: b"}),
    ):
        outcome = await egress.get(url, headers, PATIENCE)
        assert isinstance(outcome, Failed) and outcome.kind == "refused", url
    assert receiver.connections == 1
