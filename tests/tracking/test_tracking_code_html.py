"""The HTML of a tracking code: its parts as S0's vendor has them, and what a real browser makes of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Route

from heliograph import senders
from heliograph.errors import BadRequest
from heliograph.inbound.tracking import making
from heliograph.inbound.tracking.hits import read
from heliograph.outbound.messages.mail.instrument import instrument
from heliograph.react.state.campaigns import Campaign
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring
from heliograph.web.visitors import PIXEL

GUID = "89r4i3l4"
BASE = "https://track.example"
URL = f"{BASE}/v2/{GUID}"
CAMPAIGN = Campaign(guid=GUID, account="000000000001", name="Spring", created=0, merge_tag="ann")

REFS = Refs(Keyring({1: b"k" * 32}, 1))
REF = MessageRef("000000000001", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b", None)

HOOKS = [
    ("@media (prefers-color-scheme: dark)", "#_t::before", "content", "rd"),
    ("@media (prefers-color-scheme: light)", "#_t::before", "content", "rl"),
    ("@media print", "#_t", "background-image", "p"),
    ("", "div.OutlookMessageHeader", "background-image", "f"),
    ("", "table.moz-email-headers-table", "background-image", "f"),
    ("", "blockquote #_t", "background-image", "f"),
    ("", "#MailContainerBody #_t", "background-image", "f"),
]
"""Condition, selector, property and bare key of each hook (wire-facts 2.1)."""

_RULE = re.compile(
    r"""^(@media [^{]*?)?\s*\{?\s*([^{}]+?)\s*\{\s*([\w-]+):\s*url\((["'])(.*)\4\);\s*\}(?:\s*\})?$"""
)


class Parts(HTMLParser):
    """The elements of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rules(style: str) -> list[tuple[str, str, str, str]]:
    """Condition, selector, property and URL of each rule."""
    found = [_RULE.match(line.strip()) for line in style.strip().splitlines()]
    assert all(found), style
    return [(one[1] or "", one[2], one[3], one[5]) for one in found if one]


def test_a_tracking_code_has_exactly_its_seven_hooks_one_div_and_one_image() -> None:
    """LIT-1"""
    parts = Parts(making.snippet(CAMPAIGN, BASE))
    (style, style_says), (div, div_says), (image, image_says) = parts.tags
    assert (style, style_says) == ("style", {"data-ignore-inlining": None})
    assert (div, div_says) == ("div", {"id": "_t"})
    assert (image, image_says["src"], image_says["alt"]) == ("img", f"{URL}?d=ann", "")
    assert (image_says["width"], image_says["height"]) == ("1", "1")
    assert rules(parts.text) == [(*hook, f"{URL}?{key}&d=ann") for *hook, key in HOOKS]


@pytest.mark.parametrize("sender", senders.senders(), ids=lambda sender: sender.name)
def test_every_senders_merge_tag_arrives_as_it_was_written(sender) -> None:
    """LIT-1, LIT-5: where nobody fills it in we read the same tag again, from the style and from the image."""
    parts = Parts(making.snippet(CAMPAIGN, BASE, sender=sender.name))
    urls = [url for *_, url in rules(parts.text)] + [str(parts.tags[-1][1]["src"])]
    assert len(urls) == 8
    for url in urls:
        assert read(url.partition("?")[2]).custom_id == sender.person


def test_type_and_data_stand_in_every_url() -> None:
    campaign = Campaign(
        guid=GUID, account="1", name="", created=0, custom_type="a b&c", custom_data="*|DATA|*"
    )
    html = making.snippet(campaign, BASE, merge_tag="[CONTACT-ID]")
    assert html.count("d=[CONTACT-ID]") == html.count("t=a%20b%26c") == html.count("c=*|DATA|*") == 8


def test_the_host_may_hold_the_guid() -> None:
    """LIT-2: wire-facts 2.1, `https://<guid>.emltrk.com/v2/<guid>`."""
    html = making.snippet(CAMPAIGN, "https://{guid}.t.example.com")
    assert html.count(f"https://{GUID}.t.example.com/v2/{GUID}") == 8


def test_without_a_merge_tag_the_code_is_of_the_campaign_alone() -> None:
    campaign = Campaign(guid=GUID, account="1", name="", created=0)
    assert f'<img src="{URL}" ' in making.snippet(campaign, BASE)
    assert f'url("{URL}?rd")' in making.snippet(campaign, BASE)


def test_a_tag_that_fits_into_no_quotes_is_refused() -> None:
    with pytest.raises(BadRequest):
        making.snippet(CAMPAIGN, BASE, merge_tag="""{{ a["b"]['c'] }}""")


DRAWN_AND_ASKED = """async last => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  await new Promise(done => { const image = new Image(); image.onload = done; image.src = last; });
}"""
"""Returns when the page is drawn, and a picture has come that was asked for after all that it needs: however slow the
browser is, its other requests were made by then."""


async def requested(chromium: Browser, html: str, **media) -> list[str]:
    """The queries of what a browser loads of tracking's host while it shows this, sorted."""
    found: list[str] = []
    context = await chromium.new_context()
    page = await context.new_page()

    async def answer(route: Route) -> None:
        found.append(urlsplit(route.request.url).query)
        await route.fulfill(body=PIXEL, content_type="image/gif")

    await page.route(f"{BASE}/**", answer)
    await page.emulate_media(**media)
    await page.set_content(f"<html><body><p>Hello</p>{html}</body></html>")
    await page.evaluate(DRAWN_AND_ASKED, f"{BASE}/pixel?last")
    await context.close()
    return sorted(query for query in found if query != "last")


@pytest.mark.parametrize(
    ("around", "media", "hits"),
    [
        ("{}", {"color_scheme": "light"}, ["d=ann", "rl&d=ann"]),
        ("{}", {"color_scheme": "dark"}, ["d=ann", "rd&d=ann"]),
        ("{}", {"color_scheme": "light", "media": "print"}, ["d=ann", "p&d=ann", "rl&d=ann"]),
        ("<p>FYI</p><blockquote>{}</blockquote>", {"color_scheme": "dark"}, ["d=ann", "f&d=ann", "rd&d=ann"]),
        ('<div id="MailContainerBody">{}</div>', {"color_scheme": "light"}, ["d=ann", "f&d=ann", "rl&d=ann"]),
        ('<div class="OutlookMessageHeader">From</div>{}', {"color_scheme": "light"}, ["d=ann", "f&d=ann", "rl&d=ann"]),
        (
            '<table class="moz-email-headers-table"><tr><td>From</td></tr></table>{}',
            {"color_scheme": "light"},
            ["d=ann", "f&d=ann", "rl&d=ann"],
        ),
    ],
    ids=["light", "dark", "print", "forwarded", "live-mail", "outlook", "thunderbird"],
)  # fmt: skip
async def test_a_browser_loads_what_is_true_and_nothing_else(chromium: Browser, around, media, hits) -> None:
    """LIT-1, LIT-4"""
    assert await requested(chromium, around.format(making.snippet(CAMPAIGN, BASE)), **media) == hits


async def test_our_own_mails_say_the_same(chromium: Browser) -> None:
    """LIT-4: what `outbound.messages` puts in; forwarded, on a dark screen."""
    html = instrument("<p>Hi</p>", REF, REFS, BASE)
    queries = await requested(chromium, f"<blockquote>{html}</blockquote>", color_scheme="dark")
    assert queries == ["", "f", "rd"]
