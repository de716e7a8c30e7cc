"""What other systems make of a pixel's query, and what we read in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.hooks import KEYS
from heliograph.inbound.tracking.hits import TEXT_LIMIT, Hit, read


@pytest.mark.parametrize(
    ("query", "hook"),
    [
        *(("", "open"), ("d=1", "open"), ("p&d=1", "print"), ("f&d=1", "forward"), ("rd&d=1", "dark")),
        *(("rl&i=1", "light"), ("p", "print"), ("p=", "print"), ("rd&amp;d=1", "dark")),
        # only the first key may be bare, and a key with a value is no hook
        *(("d=1&p", "open"), ("p=1", "open"), ("P", "open"), ("x&p", "open"), ("t=a&rd", "open")),
    ],
)
def test_the_first_key_alone_says_which_hook_it_was(query: str, hook: str) -> None:
    """LIT-3, LIT-4"""
    assert read(query).hook == hook


@pytest.mark.parametrize(
    ("query", "hit"),
    [
        ("d=ann", Hit("open", "ann")),
        ("i=ben&d=ann", Hit("open", "ben")),
        ("d=ann&i=ben", Hit("open", "ben")),
        ("d=ann&i=", Hit("open", "ann")),
        ("d=ann&d=ben", Hit("open", "ann")),
        ("rd&i=72180589&t=utm_campaign=SCA_20260421_x", Hit("dark", "72180589", "utm_campaign=SCA_20260421_x")),
        ("rl&amp;i=7&amp;t=news&amp;c=blue=1", Hit("light", "7", "news", "blue=1")),
        ("d=1&t=Frühling\u200b!&zzz=9&", Hit("open", "1", "Frühling\u200b!")),
        ("d=1&t=Fr%C3%BChling%20-%20a%26b", Hit("open", "1", "Frühling - a&b")),
        ("d=Fr%FChling", Hit("open", "Frühling")),
        ("d=ann+news@x.example", Hit("open", "ann+news@x.example")),
        ("d=100%25&t=50%", Hit("open", "100%", "50%")),
        ("d=a%00%0d%0Ab", Hit("open", "ab")),
    ],
)  # fmt: skip
def test_what_senders_say_is_read_as_they_meant_it(query: str, hit: Hit) -> None:
    """LIT-3, LIT-5"""
    assert read(query) == hit


@pytest.mark.parametrize(
    "tag",
    ["[UNIQUE]", "[CONTACT-ID]", "*|EMAIL|*", "%%emailaddr%%", "%FACEBOOK%", "{{ contact.hs_object_id }}", "%CAFE%"],
)  # fmt: skip
def test_a_merge_tag_that_nobody_filled_in_stays_as_it_was_written(tag: str) -> None:
    """LIT-5: `%FA`, `%CA%FE` would code bytes."""
    assert read(f"rl&d={tag}").custom_id == tag


@given(query=st.text(max_size=300))
def test_any_query_is_read(query: str) -> None:
    """LIT-3: never an error; what comes out is text that can be recorded."""
    hit = read(query)
    assert hit.hook in {"open", *KEYS.values()}
    for value in hit[1:]:
        assert len(value) <= TEXT_LIMIT
        value.encode()
        assert not any(character < " " for character in value)
