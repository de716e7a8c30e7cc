"""What is wrong with a template is found, with its place."""

from __future__ import annotations

import pytest
from aiohttp import web

from heliograph.egress import Egress
from heliograph.errors import BadRequest
from heliograph.outbound.messages.authoring.lint import Finding, lint
from heliograph.outbound.messages.authoring.reach import unreachable
from heliograph.outbound.messages.authoring.saving import save
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.settings import Settings
from heliograph.url_parameters import extended, parameters

LEAVE = '<a href="{{ unsubscribe_url }}">x</a>'


def found(html: str = "", **parts: str) -> dict[str, Finding]:
    parts = {
        "subject": "x",
        "preheader": "x",
        "text": "x",
        **({"html": html + LEAVE} if html else {}),
        **parts,
    }
    return {one.code: one for one in lint(parts, {})}


@pytest.mark.parametrize(
    ("html", "code", "line", "column"),
    [
        ("<p>\n <img src='https://x.example/a.png'>", "missing_alt", 2, 2),
        ("<p>\n <img alt='' src=a.png>", "broken_image", 2, 2),
        ("<img alt=''>", "broken_image", 1, 1),
        ("<img alt='' src='http://x.example/a.png'>", "insecure_image", 1, 1),
        ("<p><a href='http://x.example'>y</a>", "insecure_link", 1, 4),
        ("<p><a href='www.x.example'>y</a>", "broken_link", 1, 4),
        ("<p><a href='#'>y</a>", "empty_link", 1, 4),
        ("<p>\n<script>1</script>", "stripped", 2, 1),
        ("<p>\n<div><b>x</div>", "misnested", 2, 6),
        ("<div>{% if person.id %}<b>{% else %}<b class=x>{% endif %}x</b></div>", "", 0, 0),
        ("<div>\n</span></div>", "misnested", 2, 1),
        ("{{ coupon.code }}", "unknown_name", 1, 4),
        ("{{ person.nickname }}", "may_be_missing", 1, 4),
        ("{% for i in event.items %}{{ i.name }}{% endfor %}", "", 0, 0),
        ("{{ account.nam }}", "unknown_name", 1, 4),
        ("<p>{% nothing %}", "template_syntax_error", 1, 7),
        ("x" * 103 * 1024, "clipped", None, None),
    ],
)
def test_it_is_found_with_its_place(html: str, code: str, line: int | None, column: int | None) -> None:
    told = found(html)
    if not code:
        assert told == {}
        return
    assert (told[code].line, told[code].column) == (line, column), told


def test_a_senders_name_needs_its_address() -> None:
    parts = {"subject": "x", "text": "{{ unsubscribe_url }}"}
    (alone,) = (one for one in lint(parts, {"sender_name": "The Desk"}) if one.level == "error")
    assert alone.message == "sender_name: is the name of a sender: give its address too"
    together = {"sender_name": "The Desk", "sender": "desk@shop.example"}
    assert not [one for one in lint(parts, together) if one.level == "error"]


def test_marketing_without_a_way_out_is_found_and_transactional_mail_needs_none() -> None:
    parts = {"subject": "x", "html": "<p>x"}
    assert "no_unsubscribe" in {one.code for one in lint(parts, {})}
    assert "no_unsubscribe" not in {one.code for one in lint(parts, {"transactional": True})}
    assert "no_unsubscribe" not in {one.code for one in lint({"sms": "x"}, {})}


def test_what_a_mail_should_have_is_missed() -> None:
    codes = {one.code for one in lint({"subject": "x" * 100, "html": "<p>x"}, {})}
    assert {"no_text", "no_preheader", "long_subject"} <= codes


def test_mjml_is_looked_at_as_it_was_written() -> None:
    mjml = "<mjml><mj-body><mj-section><mj-column>\n<mj-image src='a.png'/></mj-column></mj-section></mj-body></mjml>"
    told = {one.code: one for one in lint({"subject": "x", "mjml": mjml}, {})}
    assert (told["broken_image"].part, told["broken_image"].line) == ("mjml", 2)


async def test_a_picture_that_does_not_come_is_found() -> None:
    async def picture(request: web.Request) -> web.Response:
        return web.Response(body=b"GIF89a", content_type="image/gif")

    async def page(request: web.Request) -> web.Response:
        return web.Response(text="<p>", content_type="text/html")

    application = web.Application()
    application.add_routes([web.get("/a.gif", picture), web.get("/page", page)])
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    html = (
        "".join(f"<img src='{base}/{name}'>\n" for name in ("a.gif", "b.gif", "page")) + "<img src='{{ a }}'>"
    )
    egress = Egress(Settings(egress_allow=("127.0.0.1/32",)))
    guarded = Egress(Settings())
    told = await unreachable({"html": html}, egress)
    refused = await unreachable({"html": html}, guarded)
    await egress.close()
    await guarded.close()
    await runner.cleanup()
    assert [(one.line, one.message.partition(": ")[2]) for one in told] == [
        (2, "the answer is 404"),
        (3, "it is no picture but text/html"),
    ]
    assert len(refused) == 3, "an author cannot look into the operator's network"


def test_saving_refuses_what_cannot_be_sent_and_names_every_place() -> None:
    with pytest.raises(BadRequest) as refused:
        save(
            "1",
            "t",
            {"subject": "{{ x", "html": "<p>\n{% if %}", "bogus": ""},
            {"from_address": "x", "y": 1},
            "me",
            0,
        )
    assert {fault.field for fault in refused.value.faults} == {
        "parts.subject", "parts.html", "bogus", "settings",
    }  # fmt: skip
    assert any("line 2, column 4" in fault.reason for fault in refused.value.faults)
    for name in ("", "a/b", " a", "x" * 101, "a\n"):
        with pytest.raises(BadRequest):
            save("1", name, {"subject": "x", "text": "x"}, {}, "me", 0)


def test_the_channels_of_a_template_follow_from_its_parts() -> None:
    assert parts_of.channels(["subject", "html"]) == ("email",)
    assert parts_of.channels(["preheader", "sms"]) == ("sms",)
    assert parts_of.channels(["push_body", "mjml", "push_title", "sms"]) == ("email", "sms", "push")
    assert parts_of.channels([]) == ()


@pytest.mark.parametrize(
    ("url", "extends_to"),
    [
        ("https://x.example", "https://x.example?a=1&b=a%26b"),
        ("https://x.example/?", "https://x.example/?a=1&b=a%26b"),
        ("https://x.example/?c=2", "https://x.example/?c=2&a=1&b=a%26b"),
        ("https://x.example/?c=2&#top?x", "https://x.example/?c=2&a=1&b=a%26b#top?x"),
        ("https://x.example/?b=own#top", "https://x.example/?b=own&a=1#top"),
        ("https://x.example/?a&b=", "https://x.example/?a&b="),
        ("https://x.example/?d=*|EMAIL|*&e=[UNIQUE]", "https://x.example/?d=*|EMAIL|*&e=[UNIQUE]&a=1&b=a%26b"),
        ("https://x.example/%C3%A9;p?x=%20", "https://x.example/%C3%A9;p?x=%20&a=1&b=a%26b"),
    ],
)  # fmt: skip
def test_links_are_extended_and_keep_what_is_theirs(url: str, extends_to: str) -> None:
    wanted = parameters("?a=1&b={template}&bad one=2", {"template": "a&b"})
    assert extended(url, wanted) == extends_to
    assert extended(url, ()) == url
