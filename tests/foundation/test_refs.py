"""Signed references: self-contained, opaque, and useless to forgers (STD-9)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.refs import ClickRef, ForgedRef, MessageRef, Refs
from heliograph.signing import Keyring, new_key

MESSAGE = "018bcfe5-687b-7720-838d-09532e6309d0"
PERSON = "018bcfe5-687b-8a0c-a9b9-24445f6e75f1"
REF = MessageRef("012345678901", MESSAGE, PERSON)
KEYS = Keyring({1: b"k" * 32}, 1)


def test_a_reference_comes_back_as_it_went_out() -> None:
    refs = Refs(KEYS)
    assert refs.read_open(refs.open(REF)) == REF
    assert refs.read_unsubscribe(refs.unsubscribe(REF)) == REF
    assert refs.read_confirm(refs.confirm(REF)) == REF
    click = ClickRef(REF, 3, "Back to cart", "https://shop.example/a?b=c&d=é#f")
    assert refs.read_click(refs.click(click)) == click


def test_a_person_without_tracking_consent_is_in_no_reference() -> None:
    """STD-7"""
    refs = Refs(KEYS)
    anonymous = MessageRef("012345678901", MESSAGE, None, web_copy=True)
    assert refs.read_open(refs.open(anonymous)) == anonymous
    counted = MessageRef("012345678901", MESSAGE, None, aggregate=True)
    assert refs.read_open(refs.open(counted)) == counted
    assert refs.read_click(refs.click(ClickRef(counted, 1, "", "https://x.example"))).message == counted


def test_a_reference_is_safe_in_a_url_and_names_nobody() -> None:
    token = Refs(KEYS).open(REF)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token) and len(token) < 90


@pytest.mark.parametrize("place", range(0, 78, 3))
def test_an_altered_reference_is_refused_wherever_it_was_altered(place: int) -> None:
    """STD-9: tokens are tamper-evident."""
    refs = Refs(KEYS)
    token = refs.open(REF)
    place = min(place, len(token) - 1)
    altered = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
    with pytest.raises(ForgedRef):
        refs.read_open(altered)


def test_a_pixels_reference_unsubscribes_nobody() -> None:
    refs = Refs(KEYS)
    for read in (refs.read_unsubscribe, refs.read_click, refs.read_confirm):
        with pytest.raises(ForgedRef):
            read(refs.open(REF))


def test_old_references_work_until_their_key_is_retired() -> None:
    old = Refs(KEYS).open(REF)
    both = Refs(Keyring({1: b"k" * 32, 2: b"n" * 32}, 2))
    assert both.read_open(old) == REF and both.open(REF) != old
    with pytest.raises(ForgedRef):
        Refs(Keyring({2: b"n" * 32}, 2)).read_open(old)
    refs = Refs(KEYS)
    refs.rekey(Keyring({2: b"n" * 32}, 2))
    with pytest.raises(ForgedRef):
        refs.read_open(old)


def test_the_signature_is_keyed_blake2b_of_128_bits() -> None:
    """RFC 7693 section 2.9, over the fields in the order that the module names."""
    token = Refs(KEYS).open(REF)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    key = hmac.new(b"k" * 32, b"heliograph/open\x01", hashlib.sha256).digest()
    assert hashlib.blake2b(raw[:-16], digest_size=16, key=key).digest() == raw[-16:]
    assert raw[:-16].hex() == "01" + REF.account + MESSAGE.replace("-", "") + PERSON.replace("-", "") + "00"


@given(
    st.one_of(
        st.text(max_size=200), st.binary(max_size=100).map(lambda b: base64.urlsafe_b64encode(b).decode())
    )
)
def test_nonsense_is_refused_and_never_an_accident(token: str) -> None:
    refs = Refs(KEYS)
    for read in (refs.read_open, refs.read_click, refs.read_unsubscribe, refs.read_confirm):
        with pytest.raises(ForgedRef):
            read(token)


@given(st.text(max_size=300).filter(lambda s: "\ud800" not in s), st.text(max_size=60), st.integers(0, 65535))
def test_any_destination_and_name_survive(url: str, name: str, link: int) -> None:
    refs = Refs(Keyring({7: new_key()}, 7))
    back = refs.read_click(refs.click(ClickRef(REF, link, name, url)))
    assert (back.url, back.link) == (url, link)
    assert name.startswith(back.name)


def test_a_return_path_leads_to_its_message_in_any_case_and_whatever_stands_around_it() -> None:
    """RFC 5321: a local part has 64 octets at most; servers change its case."""
    refs = Refs(KEYS)
    token = refs.bounce("012345678901", MESSAGE)
    assert re.fullmatch(r"[a-z2-7]{56}", token)
    for address in (f"b-{token}@b.example", f"B-{token.upper()}@B.EXAMPLE", f"<bounces+{token}@b.example>"):
        assert refs.read_bounce(address) == MessageRef("012345678901", MESSAGE, None)


@pytest.mark.parametrize("place", range(0, 56, 5))
def test_an_altered_return_path_is_refused_wherever_it_was_altered(place: int) -> None:
    refs = Refs(KEYS)
    token = refs.bounce("012345678901", MESSAGE)
    other = "b" if token[place] != "b" else "c"
    with pytest.raises(ForgedRef):
        refs.read_bounce(f"b-{token[:place]}{other}{token[place + 1 :]}@b.example")


def test_a_return_path_of_another_key_or_none_is_refused() -> None:
    token = Refs(Keyring({1: b"x" * 32}, 1)).bounce("012345678901", MESSAGE)
    for address in (f"b-{token}@b.example", "bounces@b.example", "", "a" * 200, f"x{token}y@b.example"):
        with pytest.raises(ForgedRef):
            Refs(KEYS).read_bounce(address)
