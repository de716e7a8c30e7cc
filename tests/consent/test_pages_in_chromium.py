"""The pages in a real browser: used by keyboard alone, without scripts, read out by their labels (WCAG 2.2)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route as Intercepted

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.event import Data
from heliograph.events.messages import MessageRequested
from heliograph.events.people import Customer, PersonCreated
from heliograph.events.preferences import SubscriptionTopicSaved
from heliograph.outbound.images.doors import LINK_NOT_NOW
from heliograph.react.state.folds import FOLDS
from heliograph.refs import MessageRef
from heliograph.web.visitors import UNKNOWN_LINK, USE_GET

ACCOUNT = "000000000001"
MESSAGE = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
PUSH = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5c"
REF = MessageRef(ACCOUNT, MESSAGE, None)
SITE = "https://mail.example"

CONTRAST = """() => {
  const light = text => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map(Number).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor;
      if (!color.endsWith(", 0)")) return color;
    }
    return "rgb(255, 255, 255)";
  };
  const said = [...document.querySelectorAll("h1,p,legend,label span,small,button,a")];
  return Math.min(...said.map(node => {
    const [low, high] = [light(getComputedStyle(node).color), light(behind(node))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }));
}"""
"""The least contrast of any text on the page (WCAG 2.2, 1.4.3: at least 4.5)."""


@pytest.fixture
def happened(state) -> None:
    told: list[tuple[Data, str | None]] = [
        (
            PersonCreated(
                person=Customer(id="42", email="ann@x.example", sms_phone_number_e164="+12025550137")
            ),
            None,
        ),
        (SubscriptionTopicSaved(name="news", titles={"en": "News"}, descriptions={"en": "Weekly"}), None),
        (SubscriptionTopicSaved(name="offers", titles={"en": "Offers"}), None),
        (MessageRequested(address="ann@x.example", template="cart", topic="news"), MESSAGE),
    ]
    with state.begin() as connection:
        for data, known_as in told:
            event = codec.make(
                data, account=ACCOUNT, subject="email:ann@x.example", now=1_700_000_000 * SECOND, id=known_as
            )
            for fold in FOLDS:
                fold.apply(connection, [event] if event.kind in fold.kinds else [])


@pytest.fixture
async def page(chromium, ask, happened):
    """A browser without JavaScript whose every request the doors answer."""
    context = await chromium.new_context(java_script_enabled=False, color_scheme="light")
    page = await context.new_page()

    async def answer(route: Intercepted) -> None:
        asked = route.request
        reply = await ask(
            urlsplit(asked.url).path,
            method=asked.method,
            headers=await asked.all_headers(),
            content=asked.post_data_buffer or b"",
        )
        await route.fulfill(status=reply.status, headers=dict(reply.headers), body=reply.body)

    await page.route("**/*", answer)
    yield page
    await context.close()


async def pressed(page, name: str, role: str = "button") -> None:
    """Press a button, or follow a link; return when the page that it leads to is there."""
    async with page.expect_navigation():
        await page.get_by_role(role, name=name).click()


async def recorded(journal) -> list[str]:
    return [codec.decode(entry).kind for entry in await journal.read(0)]


async def test_choosing_works_by_keyboard_alone_and_without_scripts(page, refs, journal) -> None:
    await page.goto(f"{SITE}/p/{refs.unsubscribe(REF)}")
    offers = page.get_by_role("checkbox", name="Offers")
    assert await offers.is_checked()
    for _ in range(10):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.value") == "offers":
            break
    await page.keyboard.press("Space")
    await page.keyboard.press("Enter")  # the first button is what Enter means: save
    assert await page.get_by_role("status").inner_text() == "Your choices are saved."
    assert not await page.get_by_role("checkbox", name="Offers").is_checked()
    assert await recorded(journal) == ["subscription_topic.chosen"]


async def test_everything_has_a_name_and_a_place_for_who_cannot_see_it(page, refs) -> None:
    await page.goto(f"{SITE}/p/{refs.unsubscribe(REF)}")
    tree = await page.locator("body").aria_snapshot()
    for line in (
        'heading "What would you like to receive?" [level=1]',
        'group "How we may reach you"',
        'checkbox "By e-mail" [checked]',
        'checkbox "By text message (SMS)',
        'group "Topics"',
        'checkbox "News Weekly" [checked]',
        'button "Save"',
        'button "Pause for 30 days"',
        'button "Unsubscribe from everything"',
    ):
        assert line in tree, tree
    assert await page.locator("html").get_attribute("lang") == "en"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("door", ["p", "u", "k"])
async def test_text_stands_out_and_targets_are_large_enough(
    chromium, ask, happened, refs, scheme, door
) -> None:
    """WCAG 2.2: 1.4.3 and 2.5.8, in light and dark, down to 320 pixels (1.4.10)."""
    token = refs.confirm(REF) if door == "k" else refs.unsubscribe(REF._replace(only_topic=True))
    reply = await ask(f"/{door}/{token}")
    context = await chromium.new_context(color_scheme=scheme, viewport={"width": 320, "height": 640})
    page = await context.new_page()
    await page.set_content(reply.body.decode())
    assert await page.evaluate(CONTRAST) >= 4.5
    drawn = await page.evaluate("getComputedStyle(document.documentElement).colorScheme")
    assert drawn == "light dark", "the browser's own boxes are dark on a dark page"
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    for target in await page.locator("button, label").all():
        box = await target.bounding_box()
        assert box and box["height"] >= 24 and box["width"] >= 24
    await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("reply", [UNKNOWN_LINK, USE_GET, LINK_NOT_NOW], ids=["unknown", "get", "later"])
async def test_what_is_said_of_a_link_that_leads_nowhere_looks_like_our_pages(
    chromium, scheme, reply
) -> None:
    context = await chromium.new_context(color_scheme=scheme, viewport={"width": 320, "height": 640})
    page = await context.new_page()
    sent = {"status": reply.status, "headers": dict(reply.headers), "body": reply.body.decode()}
    await page.route(SITE, lambda route: route.fulfill(**sent))
    await page.goto(SITE)
    assert await page.evaluate(CONTRAST) >= 4.5
    assert await page.evaluate("getComputedStyle(document.body).fontFamily") == "system-ui, sans-serif"
    assert await page.evaluate("document.documentElement.scrollWidth") <= 320
    assert await page.locator("html").get_attribute("lang") == "en"
    assert await page.title() == await page.get_by_role("heading", level=1).inner_text()
    await context.close()


async def test_leaving_a_topic_offers_the_topic_first_and_everything_beside_it(page, refs, journal) -> None:
    await page.goto(f"{SITE}/u/{refs.unsubscribe(REF._replace(only_topic=True))}")
    assert await page.get_by_role("button").all_inner_texts() == [
        "Leave “News”",
        "Unsubscribe from everything",
    ]
    await pressed(page, "Leave")
    assert "News" in await page.locator("main p").first.inner_text()
    entries = await journal.read(0)
    assert [codec.decode(entry).data.only_topic for entry in entries] == [True]
    await page.go_back()
    await pressed(page, "Unsubscribe from everything")
    entries = await journal.read(0)
    assert [codec.decode(entry).data.only_topic for entry in entries] == [True, False]
    await page.goto(f"{SITE}/u/{refs.unsubscribe(REF._replace(only_topic=True))}")
    await pressed(page, "Choose what you receive", "link")
    assert await page.get_by_role("heading", level=1).inner_text() == "What would you like to receive?"


async def test_who_comes_by_a_push_message_is_asked_about_that_device(page, refs, state, journal) -> None:
    """A registered device is a yes, and the page says so in words that fit."""
    asked = codec.make(
        MessageRequested(channel="push", address="t1", template="cart"),
        account=ACCOUNT,
        subject="device:t1",
        now=1_700_000_001 * SECOND,
        id=PUSH,
    )
    with state.begin() as connection:
        for fold in FOLDS:
            fold.apply(connection, [asked] if asked.kind in fold.kinds else [])
    await page.goto(f"{SITE}/p/{refs.unsubscribe(MessageRef(ACCOUNT, PUSH, None))}")
    box = page.get_by_role("checkbox", name="By notification on this device")
    assert await box.is_checked()
    await box.uncheck()
    await pressed(page, "Save")
    (left,) = [codec.decode(entry).data for entry in await journal.read(0)]
    assert (left.channel, left.address) == ("push", "t1")
