"""A mail as a web page: as it was sent, marked as a copy, and gone with its person."""

from __future__ import annotations

import re

from dispatch_world import JOE, KEYS, POLICY, request
from mail_world import ACCOUNT, BASE, MESSAGE, PERSON
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import Response

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.events import codec
from heliograph.events.definitions import TemplateSaved
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import MessageSent
from heliograph.journal.memory import MemoryJournal
from heliograph.outbound.messages.mail.instrument import web_copy_url
from heliograph.outbound.messages.making.letters import Desk
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.outbound.messages.web_copy import WebCopies
from heliograph.react.state.folds import FOLDS
from heliograph.refs import MessageRef, Refs

REFS = Refs(KEYS)
HTML = '<p>{{ event.id }} {{ "now" | date: "%H:%M:%S" }}</p><a href="https://x.example/">x</a><a href="{{ unsubscribe_url }}">y</a>'


class Copies:
    """The pages of a worker over what has happened."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.state: Engine = memory_state()
        self.at = 0

    async def happen(self, *events: AnyEvent) -> None:
        await self.journal.append([codec.encode(one) for one in events])
        with self.state.begin() as connection:
            for fold in FOLDS:
                fold.apply(connection, [one for one in events if one.kind in fold.kinds])

    def event(self, data: Data, subject: str = f"person:{PERSON}") -> AnyEvent:
        return codec.make(data, account=ACCOUNT, subject=subject, now=self.clock.now())

    async def sent(self, html: str = HTML) -> None:
        """A mail that went out a second ago, in the first of two versions of its template."""
        await self.happen(
            self.event(TemplateSaved(name="cart", parts={"subject": "One", "html": html}), "template:cart")
        )
        await self.happen(
            self.event(TemplateSaved(name="cart", parts={"subject": "Two", "text": "two"}), "template:cart")
        )
        await self.happen(request(self.clock, person=JOE.id))
        self.at = self.clock.now()
        await self.happen(
            self.event(MessageSent(message=MESSAGE, address="joe@x.example", template_version=1))
        )
        await self.clock.advance(3600)

    async def ask(self, token: str = "") -> Response:
        account = Account(number=ACCOUNT, store_id="7", name="Shop", policy=POLICY)
        desk = Desk(Composer(self.clock), REFS, BASE)
        copies = WebCopies(Directory([account], [], KEYS), REFS, self.journal, self.state, self.clock, desk)
        token = token or web_copy_url(MessageRef(ACCOUNT, MESSAGE, JOE.id), REFS, BASE).rpartition("/")[2]
        return await copies.answer(Request({"type": "http", "path_params": {"token": token}, "headers": []}))


async def test_the_page_shows_the_version_and_the_instant_that_were_sent_and_marks_what_follows() -> None:
    copies = Copies()
    await copies.sent()
    answer = await copies.ask()
    page = bytes(answer.body).decode()
    assert answer.status_code == 200
    from_then = copies.clock.now() - 3600 * 1_000_000
    assert from_then == copies.at
    assert f"<p>c7 {codec_time(copies.at)}</p>" in page
    click = REFS.read_click(re.findall(rf"{BASE}/c/([\w-]+)", page)[0])
    seen = REFS.read_open(re.findall(rf"{BASE}/o/([\w-]+)\.gif", page)[0])
    leave = REFS.read_unsubscribe(re.findall(rf"{BASE}/u/([\w-]+)", page)[0])
    assert click.url == "https://x.example/"
    assert {(ref.message, ref.web_copy) for ref in (click.message, seen, leave)} == {(MESSAGE, True)}


def codec_time(at: int) -> str:
    seconds = at // 1_000_000 % 86_400
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


async def test_the_page_has_no_rights_on_our_host() -> None:
    copies = Copies()
    await copies.sent("<script>alert(1)</script>")
    headers = (await copies.ask()).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert (
        "sandbox" in headers["content-security-policy"]
        and "allow-scripts" not in headers["content-security-policy"]
    )
    assert headers["cache-control"] == "private, no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow" and headers["referrer-policy"] == "no-referrer"


async def test_what_was_erased_or_never_sent_is_not_shown() -> None:
    """STD-7"""
    copies = Copies()
    assert (await copies.ask()).status_code == 404
    await copies.sent()
    assert (await copies.ask()).status_code == 200
    await copies.journal.redact([f"person:{PERSON}"], account=ACCOUNT, replacement="person:gone")
    answer = await copies.ask()
    assert answer.status_code == 404
    assert b"c7" not in bytes(answer.body)


async def test_a_reference_of_another_purpose_shows_nothing() -> None:
    copies = Copies()
    await copies.sent()
    ref = MessageRef(ACCOUNT, MESSAGE, PERSON)
    for token in (REFS.open(ref), REFS.unsubscribe(ref), "x", "..%2f"):
        assert (await copies.ask(token)).status_code == 404
