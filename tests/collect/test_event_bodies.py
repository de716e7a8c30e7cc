"""Bodies that somebody sends to see what happens: coded, deep, huge, broken. Refused or stored, never a 500."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from collect_shop import Shop, answer, as_bytes

from heliograph.errors import TooLarge
from heliograph.events import codec
from heliograph.inbound.collect import bodies
from heliograph.inbound.collect.bodies import inflated
from heliograph.settings import Settings

TYPES = [
    "orders/create",
    "customers/update",
    "products/update",
    "carts/create",
    "newsletter/subscribe",
    "site-search",
]
IDENTITY = b'"id":1,"email":"a@b.example"'


def nested(levels: int) -> bytes:
    """An object of this depth."""
    return b"{" + IDENTITY + b',"deep":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize("type", TYPES)
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (nested(64), 200),
        (nested(65), 400),
        (nested(900), 400),
        (nested(100_000), 400),
        (b'{"a":' * 1000 + b"1" + b"}" * 1000, 400),
        (b"{" + IDENTITY + b',"n":1e308}', 200),
        (b"{" + IDENTITY + b',"n":1e309}', 400),
        (b"{" + IDENTITY + b',"n":-1.5E+400}', 400),
        (b"{" + IDENTITY + b',"n":1e-400}', 200),
        (b"{" + IDENTITY + b',"n":' + b"9" * 308 + b"}", 200),
        (b"{" + IDENTITY + b',"n":' + b"9" * 5000 + b"}", 400),
        (b"{" + IDENTITY + b',"n":' + b"9" * 299 + b"e99}", 400),
        (b"{" + IDENTITY + b',"n":' + b"9" * 400 + b".5}", 400),
        (b"{" + IDENTITY + b',"hash":"1e999 99e99999"}', 200),
        (b"{" + IDENTITY + b',"text":"[[[[' + b"[" * 100 + b'\\"[["}', 200),
        (b"{" + IDENTITY + b',"t":"\\u0000"}', 200),
        (b"{" + IDENTITY + b',"t":"a\x00b"}', 400),
        (b"{" + IDENTITY + b',"t":"\\ud800"}', 400),
        (b"{" + IDENTITY + b',"\\udfff":1}', 400),
        (b"{" + IDENTITY + b',"t":"\\ud83d\\ude00"}', 200),
        (b"{" + IDENTITY + b',"t":"\xf0\x9f\x98\x80"}', 200),
        (b"{" + IDENTITY + b',"t":"\xff"}', 400),
        (b"{" + IDENTITY + b',"\xc3":1}', 400),
        (b"{" + IDENTITY + b',"t":"\xed\xa0\x80"}', 400),
        (b"{" + IDENTITY + b"," + b",".join(b'"k%d":%d' % (n, n) for n in range(10_000)) + b"}", 200),
        (b"{" + IDENTITY + b"," + b",".join(b'"k":%d' % n for n in range(10_000)) + b"}", 200),
        (b"{" + IDENTITY + b',"":{"":[]}}', 200),
        (b"\xef\xbb\xbf\xef\xbb\xbf{" + IDENTITY + b"}", 400),
    ],
)
async def test_a_hostile_body_is_refused_or_stored(shop: Shop, type: str, body: bytes, status: int) -> None:
    """What is stored can be decoded by every later reader."""
    reply = await shop.send(type, body)
    assert (reply.status, len(shop.events)) == (status, int(status == 200))
    shop.check_readable()
    if status == 400:
        assert answer(reply)["field"] == "body"
        assert len(answer(reply)["message"]) > 30


async def test_depth_is_counted_in_brackets_not_in_text(shop: Shop) -> None:
    """A wide document with many brackets, some inside of text, is not deep."""
    lines = ",".join('{"sku":"[{\\"[","name":"]"}' for _ in range(2000))
    assert (
        await shop.send("orders/create", b'{"id":1,"line_items":[' + lines.encode() + b"]}")
    ).status == 200


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
async def test_gzip_is_undone(shop: Shop, encoding: str) -> None:
    body = as_bytes({"id": 1, "note": "x" * 5000})
    assert (await shop.send("orders/create", gzip.compress(body), content_encoding=encoding)).status == 200
    assert codec.properties(shop.last)["note"] == "x" * 5000


def test_a_bomb_is_not_inflated_to_its_end() -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    tracemalloc.start()
    with pytest.raises(TooLarge):
        inflated(bomb, "gzip", 4096)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


async def test_the_limit_holds_after_inflation() -> None:
    shop = Shop(settings=Settings(body_limit=4096))
    bomb = gzip.compress(b" " * 50_000_000)
    reply = await shop.send("orders/create", bomb[:4096], content_encoding="gzip")
    assert reply.status == 413
    assert (
        await shop.send("orders/create", gzip.compress(b" " * 4097), content_encoding="gzip")
    ).status == 413


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"id":1}',
        gzip.compress(b'{"id":1}', mtime=0)[:-3],
        gzip.compress(b'{"id":1}', mtime=0) + b"x",
        zlib.compress(b"{}"),
    ],
)
async def test_what_is_no_gzip_is_refused(shop: Shop, body: bytes) -> None:
    reply = await shop.send("orders/create", body, content_encoding="gzip")
    assert (reply.status, answer(reply)["field"]) == (400, "body")


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "\udc80"])
async def test_another_coding_is_not_understood(shop: Shop, encoding: str) -> None:
    reply = await shop.send("orders/create", b'{"id":1}', content_encoding=encoding)
    assert (reply.status, answer(reply)["field"]) == (415, "content-encoding")


async def test_identity_is_no_coding(shop: Shop) -> None:
    assert (await shop.send("orders/create", b'{"id":1}', content_encoding="identity")).status == 200
    assert codec.properties(shop.last)["id"] == 1


def test_the_hex_of_a_carts_token_is_not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A token such as `3e4810` has the look of a number that is out of range; text never is one."""
    looked: list[bytes] = []
    monkeypatch.setattr(bodies, "_any", type("Decoder", (), {"decode": staticmethod(looked.append)}))
    for text in (
        b'{"token":"3e4810"}',
        b'{"a":["12e9999","x"]}',
        b'{"url":"https://x.example/?token=9e999"}',
        b'{"a":12e99}',
    ):
        bodies.sound(text)
    assert looked == []
    for number in (
        b'{"a":1e999}',
        b'{"a": -1.5E+999}',
        b'{"a":[1, 1e999]}',
        b'{"a":[ 1e999]}',
        b'{"a":"x","b":1e308}',
    ):
        bodies.sound(number)
        assert looked.pop() == number
