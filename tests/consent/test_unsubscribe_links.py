"""Unsubscribe links: RFC 8058 for machines, a page with one button for people (STD-1)."""

from __future__ import annotations

import base64
import re
import subprocess
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.accounts.directory import Directory
from heliograph.clock import ManualClock
from heliograph.database import memory_state
from heliograph.errors import JournalFull
from heliograph.events import codec
from heliograph.events.consent import UnsubscriptionRequested
from heliograph.inbound import consent
from heliograph.journal.memory import MemoryJournal
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring

EMPTY = memory_state()
MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PERSON = "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000"
REF = MessageRef("000000000001", MESSAGE, PERSON)

URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
MULTIPART = {"content-type": "multipart/form-data; boundary=---FormBoundaryjWmhtjORrn"}
# The example of RFC 8058 section 8.3, with its boundary made one.
MULTIPART_BODY = (
    b"-----FormBoundaryjWmhtjORrn\r\n"
    b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n'
    b"\r\n"
    b"One-Click\r\n"
    b"-----FormBoundaryjWmhtjORrn--\r\n"
)


class FullJournal:
    async def append_once(self, records):
        raise JournalFull("the queue is full", retry_after=3)


class Form(HTMLParser):
    """The one form of a page, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[dict[str, str | None]] = []
        self.fields: dict[str, str] = {}
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append(attributes)
        if tag == "input":
            self.fields[attributes["name"]] = attributes["value"]

    @property
    def body(self) -> bytes:
        return urlencode(self.fields).encode()


@pytest.fixture
def link(refs) -> str:
    return f"/u/{refs.unsubscribe(REF)}"


async def events(journal):
    return [codec.decode(entry) for entry in await journal.read(0)]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_the_link_changes_nothing(ask, journal, link, method) -> None:
    """STD-1"""
    reply = await ask(link, method=method)
    assert reply.status == 200
    assert await events(journal) == []


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        (URLENCODED, ONE_CLICK),
        ({"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}, ONE_CLICK),
        (MULTIPART, MULTIPART_BODY),
        ({}, b""),
        (URLENCODED, b""),
        (URLENCODED, b"seen=yesterday"),
        (URLENCODED, "seen=٣".encode()),
        (URLENCODED, b"\xff\xfe" + b"a=b&" * 1000),
        ({"content-type": "text/plain"}, b"please"),
    ],
)
async def test_a_post_unsubscribes_at_once_without_redirect_or_cookie(
    ask, journal, link, headers, content, clock
) -> None:
    """STD-1, RFC 8058 section 3.2: both encodings; an empty body means it too."""
    reply = await ask(
        link,
        method="POST",
        headers={**headers, "user-agent": "Mail/1"},
        content=content,
        client="198.51.100.7",
    )
    assert reply.status == 200
    names = {name for name, _ in reply.headers}
    assert not names & {"location", "set-cookie"}
    (event,) = await events(journal)
    assert (event.account, event.kind, event.subject) == (
        "000000000001",
        "unsubscription.requested",
        f"person:{PERSON}",
    )
    assert (event.at, event.recorded, event.cause) == (clock.now(), clock.now(), MESSAGE)
    assert event.data == UnsubscriptionRequested(
        message=MESSAGE, how="one_click", ip="198.51.100.7", user_agent="Mail/1"
    )


async def test_a_repeated_one_click_is_recorded_once(ask, journal, link) -> None:
    """STD-1: idempotent."""
    for _ in range(3):
        assert (await ask(link, method="POST", headers=URLENCODED, content=ONE_CLICK)).status == 200
    assert (await ask(link, method="POST", headers=MULTIPART, content=MULTIPART_BODY)).status == 200
    assert len(await events(journal)) == 1


async def test_who_came_back_to_the_list_can_leave_it_again_by_the_same_link(
    ask, journal, link, clock
) -> None:
    await ask(link, method="POST", headers=URLENCODED, content=ONE_CLICK)
    await clock.advance(3600)
    await ask(link, method="POST", headers=URLENCODED, content=ONE_CLICK)
    assert len(await events(journal)) == 2


async def test_the_pages_button_unsubscribes(ask, journal, link) -> None:
    page = Form((await ask(link)).body.decode())
    assert [form.get("method") for form in page.forms] == ["post"]
    assert page.forms[0].get("action") is None, "it posts to where it came from"
    reply = await ask(link, method="POST", headers=URLENCODED, content=page.body)
    assert reply.status == 200
    (event,) = await events(journal)
    assert event.data.how == "page"


async def test_a_double_click_on_the_button_is_recorded_once(ask, journal, link) -> None:
    page = Form((await ask(link)).body.decode())
    for _ in range(2):
        await ask(link, method="POST", headers=URLENCODED, content=page.body)
    assert len(await events(journal)) == 1


async def test_a_mistake_can_be_undone_and_done_again(ask, journal, link, clock) -> None:
    for _ in range(2):
        page = Form((await ask(link)).body.decode())
        done = await ask(link, method="POST", headers=URLENCODED, content=page.body)
        undo = Form(done.body.decode())
        await ask(
            urljoin(link, undo.forms[0]["action"]), method="POST", headers=URLENCODED, content=undo.body
        )
        await clock.advance(0.5)
    assert [event.kind for event in await events(journal)] == [
        "unsubscription.requested",
        "subscription.confirmed",
    ] * 2


async def test_a_message_tied_to_nobody_unsubscribes_by_the_message(ask, journal, refs) -> None:
    """STD-7"""
    ref = REF._replace(person=None, web_copy=True)
    await ask(f"/u/{refs.unsubscribe(ref)}", method="POST")
    (event,) = await events(journal)
    assert event.subject == f"message:{MESSAGE}"
    assert event.data.web_copy


async def test_the_account_says_what_is_kept_of_an_address(ask, journal, refs) -> None:
    """STD-7"""
    link = f"/u/{refs.unsubscribe(REF._replace(account='000000000002'))}"
    await ask(link, method="POST", client="198.51.100.7")
    (event,) = await events(journal)
    assert event.data.ip == "198.51.100.0"


async def test_a_forged_link_is_404_and_changes_nothing(ask, journal, refs) -> None:
    """STD-1"""
    stranger = Refs(Keyring({1: b"s" * 32}, 1))
    good = refs.unsubscribe(REF)
    for token in (
        "",
        "x",
        stranger.unsubscribe(REF),
        refs.open(REF),
        refs.confirm(REF),
        good + "/",
        "B" + good[1:],
    ):
        for method in ("GET", "HEAD", "POST", "PUT"):
            reply = await ask(f"/u/{token}", method=method, headers=URLENCODED, content=ONE_CLICK)
            assert reply.status == 404
    assert await events(journal) == []


async def test_other_methods_are_told_which_there_are(ask, journal, link) -> None:
    reply = await ask(link, method="DELETE")
    assert (reply.status, dict(reply.headers)["allow"]) == (405, "GET, HEAD, POST")
    assert await events(journal) == []


async def test_a_full_journal_is_said_openly(doors_on, refs) -> None:
    """Here the truth matters: nobody is told that they are unsubscribed when they are not."""
    reply = await doors_on(FullJournal()).ask(f"/u/{refs.unsubscribe(REF)}", method="POST")
    assert (reply.status, dict(reply.headers)["retry-after"]) == (503, "3")
    assert b"try again" in reply.body


async def test_an_oversize_body_is_refused(ask, journal, link) -> None:
    assert (await ask(link, method="POST", content=b"a" * 20_000)).status == 413
    assert await events(journal) == []


async def test_the_page_can_be_used_by_everybody_and_loads_nothing_from_elsewhere(ask, link) -> None:
    reply = await ask(link)
    headers, html = dict(reply.headers), reply.body.decode()
    page = Form(html)
    tags = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"]["lang"] == "en"
    assert tags.count("title") == tags.count("h1") == tags.count("main") == tags.count("button") == 1
    assert not {"script", "img", "link", "iframe"} & set(tags)
    assert [attributes["href"] for tag, attributes in page.tags if tag == "a"] == [f"../p/{link[3:]}"]
    assert "Poe &amp; Sons &lt;Books&gt;" in html
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "unsafe" not in policy


def openssl_sha256(text: str) -> str:
    command = ["openssl", "dgst", "-sha256", "-binary"]
    return base64.b64encode(subprocess.check_output(command, input=text.encode())).decode()


async def test_the_style_is_the_one_that_the_policy_allows(ask, link) -> None:
    """CSP3: a hash covers exactly the element's text; openssl agrees with it."""

    reply = await ask(link)
    style = re.search(r"<style>(.*?)</style>", reply.body.decode(), re.DOTALL)[1]
    allowed = f"'sha256-{openssl_sha256(style)}'"
    assert f"style-src {allowed};" in dict(reply.headers)["content-security-policy"]


@settings(max_examples=50)
@given(
    token=st.text(max_size=100),
    method=st.sampled_from(["GET", "POST"]),
    prefix=st.sampled_from([0, 1, 2]),
    content=st.binary(max_size=200),
)
async def test_no_token_and_no_body_makes_an_error_or_an_event(token, method, prefix, content) -> None:
    journal, ring = MemoryJournal(), Keyring({1: b"k" * 32}, 1)
    routes = consent.routes(Directory([], [], ring), Refs(ring), journal, ManualClock(), EMPTY)
    route = routes[prefix]
    shown, given_body = method, content

    class Request:
        method, path, query, client = shown, f"/u/{token}", "", ""

        def header(self, name: str) -> str:
            return ""

        async def body(self, limit: int) -> bytes:
            return given_body

    assert (await route.handler(Request())).status == 404
    assert await events(journal) == []
