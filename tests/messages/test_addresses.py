"""Addresses, as SMTP takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.outbound.messages.mail.addresses import Mailbox, mailbox


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("joe@example.com", Mailbox("joe@example.com")),
        (" joe+tag@example.com ", Mailbox("joe+tag@example.com")),
        ("joe@localhost", Mailbox("joe@localhost")),
        ("o'brien_x.y-z@sub.example.co.uk", Mailbox("o'brien_x.y-z@sub.example.co.uk")),
        ("joe..doe.@docomo.example.jp", Mailbox("joe..doe.@docomo.example.jp")),
        ('"joe doe"@example.com', Mailbox('"joe doe"@example.com')),
        ("joe@[192.0.2.1]", Mailbox("joe@[192.0.2.1]")),
        # the domain has an ASCII form (RFC 5891; `ß` stays itself: IDNA 2008), so no extension is needed
        ("joe@bücher.example", Mailbox("joe@xn--bcher-kva.example")),
        ("joe@straße.example", Mailbox("joe@xn--strae-oqa.example")),
        # only such a local part needs SMTPUTF8 (RFC 6531)
        ("jörg@example.com", Mailbox("jörg@example.com", wide=True)),
        ("用户@例子.example", Mailbox("用户@xn--fsqu00a.example", wide=True)),
        *((bad, None) for bad in (
            "", "joe", "@example.com", "joe@", "joe@@example.com", "joe doe@example.com", "joe@exam ple.com",
            "joe@example.com\r\nRCPT TO:<x@y>", "joe\n@example.com", "<joe@example.com>", "joe@example.com>",
            "joe@-example.com", "joe@example..com", "joe,jane@example.com", "a" * 65 + "@example.com",
            "joe@" + "a" * 250 + ".com", "jo\ud800e@example.com", "jo\x00e@example.com", "j\u202eoe @example.com",
        )),
    ],
)  # fmt: skip
def test_an_address_is_said_in_one_way_or_not_at_all(address: str, said: Mailbox | None) -> None:
    assert mailbox(address) == said


@given(st.text(max_size=80) | st.emails())
def test_nothing_that_is_said_can_carry_a_second_command(address: str) -> None:
    said = mailbox(address)
    if said is not None:
        assert not set(said.address) & set("\r\n\x00<>") and said.address.count("@") >= 1
        assert said.address.isascii() or said.wide


@given(st.emails())
def test_every_ordinary_address_is_taken(address: str) -> None:
    said = mailbox(address)
    assert said is not None and said.address.lower() == address.lower()
