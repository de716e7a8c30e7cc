"""The click redirect."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.events.engagement import LinkClicked
from heliograph.inbound.tracking import doors
from heliograph.refs import ClickRef, MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.web.losses import LOST
from heliograph.web.visitors import redirect

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PERSON = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
REF = MessageRef("000000000001", MESSAGE, PERSON)
URL = "https://shop.example/cart?id=7&x=%20a+b#top"


class StuckJournal:
    async def append(self, records) -> None:
        await asyncio.Event().wait()


class FullJournal:
    async def append(self, records) -> None:
        raise JournalFull("full")


def lost() -> float:
    return LOST.labels("link.clicked")._value.get()


async def events(journal):
    return [codec.decode(entry) for entry in await journal.read(0)]


async def test_a_click_leads_exactly_where_the_link_led(ask, journal, refs) -> None:
    """STD-9"""
    token = refs.click(ClickRef(REF, 3, "buy", URL))
    reply = await ask(f"/c/{token}", headers={"user-agent": "UA"}, client="198.51.100.7")
    assert reply.status == 302
    assert dict(reply.headers) == {"location": URL, "cache-control": "no-store"}
    (event,) = await events(journal)
    assert (event.kind, event.subject) == ("link.clicked", f"person:{PERSON}")
    assert event.data == LinkClicked(
        message=MESSAGE, ip="198.51.100.7", user_agent="UA", accept="none", url=URL, link=3, name="buy"
    )


async def test_a_click_that_must_not_be_tied_to_a_person_is_the_messages(ask, journal, refs) -> None:
    """STD-7"""
    await ask(f"/c/{refs.click(ClickRef(REF._replace(person=None), 0, '', URL))}")
    (event,) = await events(journal)
    assert event.subject == f"message:{MESSAGE}"


async def test_a_link_checkers_head_is_redirected_and_not_recorded(ask, journal, refs) -> None:
    """STD-6"""
    reply = await ask(f"/c/{refs.click(ClickRef(REF, 0, '', URL))}", method="HEAD")
    assert (reply.status, dict(reply.headers)["location"]) == (302, URL)
    assert await events(journal) == []


async def test_other_methods_are_told_which_there_are(ask, journal, refs) -> None:
    reply = await ask(f"/c/{refs.click(ClickRef(REF, 0, '', URL))}", method="POST")
    assert (reply.status, dict(reply.headers)["allow"]) == (405, "GET, HEAD")
    assert await events(journal) == []


async def test_what_tells_a_browser_from_a_scanner_is_kept_with_the_click(ask, journal, refs) -> None:
    """STD-6, STD-7: the range, not the address, where the account keeps no addresses."""
    ref = REF._replace(account="000000000003")
    headers = {"accept": "text/html,*/*;q=0.8", "sec-purpose": "prefetch;prerender"}
    await ask(f"/c/{refs.click(ClickRef(ref, 0, '', URL))}", headers=headers, client="209.222.82.9")
    (event,) = await events(journal)
    assert (event.data.ip, event.data.network) == ("", "barracuda")
    assert (event.data.accept, event.data.purpose) == ("text/html,*/*;q=0.8", "prefetch;prerender")


async def test_only_signed_targets_are_redirected_to(ask, journal, refs) -> None:
    """STD-9: no open redirect; a changed byte anywhere is a page, 404."""
    token = refs.click(ClickRef(REF, 0, "", URL))
    stranger = Refs(Keyring({1: b"s" * 32}, 1)).click(ClickRef(REF, 0, "", "https://evil.example/"))
    forged = ["", "nonsense", token + "A", stranger, refs.open(REF), "https://evil.example/", token + "/more"]
    forged += [
        token[:i] + ("A" if token[i] != "A" else "B") + token[i + 1 :] for i in range(0, len(token) - 1, 7)
    ]
    for one in forged:
        reply = await ask(f"/c/{one}")
        assert reply.status == 404
        assert dict(reply.headers)["content-type"].startswith("text/html")
        assert "location" not in dict(reply.headers)
        assert one not in reply.body.decode() or not one
    assert await events(journal) == []


async def test_a_click_is_redirected_though_the_journal_is_full_and_the_loss_is_counted(
    doors_on, refs
) -> None:
    before = lost()
    reply = await doors_on(FullJournal()).ask(f"/c/{refs.click(ClickRef(REF, 0, '', URL))}")
    assert (reply.status, dict(reply.headers)["location"]) == (302, URL)
    assert lost() == before + 1


async def test_a_click_is_redirected_though_recording_it_fails_by_a_fault_of_ours(
    ask, refs, monkeypatch, caplog
) -> None:
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(doors, "clicked", broken)
    before = lost()
    assert (await ask(f"/c/{refs.click(ClickRef(REF, 0, '', URL))}")).status == 302
    assert lost() == before + 1
    assert caplog.records


async def test_nobody_waits_for_a_disk_that_stands_still(doors_on, refs, monkeypatch) -> None:
    monkeypatch.setattr(doors, "CLICK_PATIENCE", 0.01)
    before = lost()
    reply = await doors_on(StuckJournal()).ask(f"/c/{refs.click(ClickRef(REF, 0, '', URL))}")
    assert reply.status == 302
    assert lost() == before + 1


@given(url=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100))
def test_a_location_is_always_a_header_that_servers_take(url) -> None:
    location = dict(redirect(url).headers)["location"]
    assert all("!" <= character <= "~" for character in location)
    if all("!" <= character <= "~" for character in url):
        assert location == url


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://shop.example/größe", "https://shop.example/gr%C3%B6%C3%9Fe"),
        ("https://shop.example/\r\nset-cookie: a=b", "https://shop.example/%0D%0Aset-cookie:%20a=b"),
    ],
)
async def test_what_no_uri_has_is_encoded(ask, refs, url, location) -> None:
    """RFC 3987 section 3.1; and no header can be smuggled in."""
    reply = await ask(f"/c/{refs.click(ClickRef(REF, 0, '', url))}")
    assert dict(reply.headers)["location"] == location
