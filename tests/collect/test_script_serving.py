"""How `track.js` is served: small, under names that stay, to be cached, and compressed once."""

from __future__ import annotations

import base64
import gzip
import hashlib

import pytest
from collect_shop import Call, Shop, answer, headers_of

from heliograph.inbound.collect.script.serving import prepared
from heliograph.web.http import Reply

TRACK = "/webtracking/track.js"
SMALL = 5_000
"""Bytes, compressed (issue: "under 5 kB gzipped")."""


async def fetch(shop: Shop, path: str = TRACK, method: str = "GET", **headers: str) -> Reply:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await shop.call(Call(method, path, "", sent, b""))


@pytest.mark.parametrize("path", [TRACK, TRACK + "/", "/webtracking/remarkety.js"])
async def test_the_script_is_where_snippets_look_for_it(shop: Shop, path: str) -> None:
    """S3:L99: with the host changed alone."""
    reply = await fetch(shop, path)
    headers = headers_of(reply)
    assert reply.status == 200 and b"_rmData" in reply.body
    assert headers["content-type"] == "text/javascript; charset=utf-8"
    assert headers["x-content-type-options"] == "nosniff"
    assert "max-age=3600" in headers["cache-control"] and "immutable" not in headers["cache-control"]


async def test_it_is_small_and_the_same_in_both_forms(shop: Shop) -> None:
    plain, zipped = await fetch(shop), await fetch(shop, accept_encoding="gzip, deflate, br, zstd")
    assert headers_of(zipped)["content-encoding"] == "gzip"
    assert "content-encoding" not in headers_of(plain)
    assert gzip.decompress(zipped.body) == plain.body
    assert len(zipped.body) < SMALL
    assert headers_of(plain)["vary"] == headers_of(zipped)["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000, *", False),
        ("br", False),
        ("*", True),
        ("identity", False),
        ("*;q=0", False),
    ],
)
async def test_it_is_compressed_for_who_takes_that(shop: Shop, accepted: str, zipped: bool) -> None:
    """RFC 9110 12.5.3"""
    reply = await fetch(shop, accept_encoding=accepted)
    assert ("content-encoding" in headers_of(reply)) is zipped


async def test_who_has_it_is_told_so(shop: Shop) -> None:
    """RFC 9110 13.1.2"""
    for sent in ({}, {"accept_encoding": "gzip"}):
        first = await fetch(shop, **sent)
        etag = headers_of(first)["etag"]
        for said in (etag, f'"other", W/{etag}', "*"):
            again = await fetch(shop, if_none_match=said, **sent)
            assert (again.status, again.body) == (304, b"")
            assert headers_of(again)["etag"] == etag and "content-type" not in headers_of(again)
        assert (await fetch(shop, if_none_match='"other"', **sent)).status == 200
    assert (
        headers_of(await fetch(shop))["etag"] != headers_of(await fetch(shop, accept_encoding="gzip"))["etag"]
    )


async def test_a_name_with_the_hash_can_be_kept_for_ever(shop: Shop) -> None:
    told = answer(await fetch(shop, "/webtracking/"))
    reply = await fetch(shop, told["immutable"])
    assert "immutable" in headers_of(reply)["cache-control"]
    assert reply.body == (await fetch(shop)).body
    digest = base64.b64encode(hashlib.sha384(reply.body).digest()).decode()
    assert told["integrity"] == f"sha384-{digest}"
    old = await fetch(shop, "/webtracking/track.0123456789abcdef.js")
    assert old.status == 200 and "immutable" not in headers_of(old)["cache-control"]


async def test_any_page_may_load_it_and_look_only(shop: Shop) -> None:
    reply = await fetch(shop, method="OPTIONS", origin="https://anybody.example")
    assert reply.status == 204
    for one in (reply, await fetch(shop), await fetch(shop, "/webtracking/none.js")):
        assert headers_of(one)["access-control-allow-origin"] == "*"
    head = await fetch(shop, method="HEAD")
    assert (head.status, head.body) == (200, b"") and "etag" in headers_of(head)
    refused = await fetch(shop, method="POST")
    assert refused.status == 405 and "GET" in headers_of(refused)["allow"]


@pytest.mark.parametrize(
    "path", ["/webtracking/track.css", "/webtracking/track.zz.js", "/webtracking/../track.js"]
)
async def test_nothing_else_is_there(shop: Shop, path: str) -> None:
    assert (await fetch(shop, path)).status == 404


def test_only_comments_and_indentation_are_taken_away() -> None:
    source = "// why\n(function () {\n  // a comment\n\n  const url = 'https://x.example'; // stays\n})();\n"
    assert prepared(source).plain.decode().splitlines() == [
        "(function () {",
        "const url = 'https://x.example'; // stays",
        "})();",
    ]
