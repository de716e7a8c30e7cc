"""Links of a text, made short."""

from __future__ import annotations

import re

import pytest

from heliograph.outbound.messages.texts.short_links import Shortened, shorten
from heliograph.refs import SHORT_CHARACTERS, Refs
from heliograph.signing import Keyring

OURS = ("https://mail.example",)


def short(link: int) -> str:
    return f"<{link}>"


@pytest.mark.parametrize(
    ("text", "expected", "urls"),
    [
        ("Tea: https://shop.example/tea?a=1&b=2#c.", "Tea: <0>.", ("https://shop.example/tea?a=1&b=2#c",)),
        ("(see http://a.example/x_(y))", "(see <0>)", ("http://a.example/x_(y)",)),
        ("HTTPS://A.example! http://b.example?", "<0>! <1>?", ("HTTPS://A.example", "http://b.example")),
        ("twice https://a.example https://a.example", "twice <0> <1>", ("https://a.example",) * 2),
        ("https://mail.example/u/x stays", "https://mail.example/u/x stays", ()),
        ("no link: shop.example, mailto:a@b.example", "no link: shop.example, mailto:a@b.example", ()),
        ("\u00abhttps://a.example/\u00fc\u00bb", "\u00ab<0>\u00bb", ("https://a.example/\u00fc",)),
    ],
)
def test_links_are_replaced_and_the_sentence_stays(text: str, expected: str, urls: tuple[str, ...]) -> None:
    assert shorten(text, short, OURS) == Shortened(expected, urls)


def test_a_code_is_short_and_tells_nothing() -> None:
    refs = Refs(Keyring({1: b"k" * 32}, 1))
    codes = {refs.short(message, link) for message in ("a", "b") for link in range(500)}
    assert len(codes) == 1000 and refs.short("a", 0) in codes
    assert all(re.fullmatch(r"[0-9A-Za-z]+", code) and len(code) == SHORT_CHARACTERS == 10 for code in codes)
    assert refs.short("a", 0) != Refs(Keyring({1: b"j" * 32}, 1)).short("a", 0)
