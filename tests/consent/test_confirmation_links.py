"""Confirmation links of double opt-in: a page with one button."""

from __future__ import annotations

import re

import pytest

from heliograph.errors import Unavailable
from heliograph.events import codec
from heliograph.events.consent import SubscriptionConfirmed
from heliograph.refs import MessageRef

MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
REF = MessageRef("000000000001", MESSAGE, None)
FORM = {"content-type": "application/x-www-form-urlencoded"}


class BrokenJournal:
    async def append_once(self, records):
        raise Unavailable("the disk is full", retry_after=7)


@pytest.fixture
def link(refs) -> str:
    return f"/k/{refs.confirm(REF)}"


async def events(journal):
    return [codec.decode(entry) for entry in await journal.read(0)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_scanner_that_looks_at_the_link_confirms_nothing(ask, journal, link, method) -> None:
    """RM-11: only the person confirms."""
    reply = await ask(link, method=method)
    assert (reply.status, b"<button" in reply.body) == (200, True)
    assert await events(journal) == []


async def test_the_button_confirms(ask, journal, link, clock) -> None:
    seen = re.search(r'name="seen" value="(\d+)"', (await ask(link)).body.decode())[1]
    for _ in range(2):
        reply = await ask(
            link,
            method="POST",
            headers={**FORM, "user-agent": "UA"},
            content=f"seen={seen}".encode(),
            client="198.51.100.7",
        )
        assert reply.status == 200
    (event,) = await events(journal)
    assert (event.kind, event.subject) == ("subscription.confirmed", f"message:{MESSAGE}")
    assert event.data == SubscriptionConfirmed(message=MESSAGE, ip="198.51.100.7", user_agent="UA")


async def test_an_unsubscribe_links_token_confirms_nothing(ask, journal, refs) -> None:
    """Keys are of one purpose each."""
    assert (await ask(f"/k/{refs.unsubscribe(REF)}", method="POST")).status == 404
    assert await events(journal) == []


async def test_a_broken_journal_is_said_openly(doors_on, link) -> None:
    reply = await doors_on(BrokenJournal()).ask(link, method="POST")
    assert (reply.status, dict(reply.headers)["retry-after"]) == (503, "7")
