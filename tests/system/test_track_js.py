"""`track.js` in a real Chromium, on pages of another origin than the engine's: the document's snippets, and bad weather."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from free_ports import free_port
from playwright.async_api import Browser, Page
from real_browser import launched
from running_engine import SECONDS, Engine
from web_shop import WebShop

SEES = "_rmData.push(['productView', {productId: '%s'}]);"

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory, site_port: int) -> Iterator[Engine]:
    """One engine for all tests here; each test looks at what was recorded after it began."""
    engine = Engine(tmp_path_factory.mktemp("collector") / "data", 1, {})
    engine.start()
    origins = json.dumps([f"http://127.0.0.1:{site_port}"])
    assert engine.run("accounts", "set", f"browser_origins={origins}").returncode == 0
    path = f"/webhooks/store/{engine.keys['store_id']}"
    asked = {"origin": f"http://127.0.0.1:{site_port}", "x-event-type": "ready"}
    engine.until(lambda: engine.post(path, b"{}", asked)[0] == 200)
    yield engine
    engine.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def shop(collector: Engine, site_port: int) -> AsyncIterator[WebShop]:
    async with WebShop(collector, site_port) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests here; each has its own cookies and storage."""
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context()
    context.set_default_timeout(SECONDS * 1000)
    page = await context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"the page has an error: {error}"))
    yield page
    await context.close()


async def names_of(shop: WebShop, subject: str, count: int) -> list[str]:
    """What was recorded of somebody, as soon as it is so much."""
    await shop.until(lambda: len(shop.recorded(subject)) >= count)
    return [event.name for event in shop.recorded(subject)]


async def test_the_documents_snippets_work_with_the_host_changed_alone(shop: WebShop, page: Page) -> None:
    """RM-2, S3:L92-L160"""
    mine = {"<CUSTOMER_EMAIL>": shop.ann, "<CUSTOMER_ID>": "7"}
    await shop.visit(
        page,
        shop.snippet("s3_identify.js", **mine),
        shop.snippet("s3_track.js"),
        shop.snippet("s3_product_view.js"),
    )
    john = "email:john.snow@thewall.org"
    await shop.until(lambda: len(shop.recorded(john)) == 4)
    (contact,) = shop.recorded(shop.anns)
    assert contact.kind == "person.updated" and contact.data["person"] == {"email": shop.ann}
    named, updated, searched, viewed = shop.recorded(john)
    assert named.data["person"] == {
        "email": "john.snow@thewall.org",
        "first_name": "John",
        "accepts_marketing": True,
    }
    assert updated.data["person"]["last_name"] == "Snow"
    assert (searched.kind, searched.data["name"]) == ("custom", "site-search")
    assert searched.data["body"]["searchKeyword"] == "Red shorts"
    assert (viewed.kind, viewed.data["product_id"]) == ("product.viewed", "1112222")
    assert viewed.data["categories"] == ["Men / Shorts", "Men / Swimwear"]
    assert all(
        event.data["keyless"] and event.data["said"]["source"] == shop.site for event in shop.recorded()
    )


async def test_the_documents_newsletter_and_custom_snippets_work(shop: WebShop, page: Page) -> None:
    """RM-11, RM-20, S3:L651-L721: wishes name their own address, as JSON text."""
    await shop.visit(page, shop.snippet("s3_subscribe.js"), shop.snippet("s3_unsubscribe.js"))
    shopper = "email:shopper@gmail.com"
    await shop.until(lambda: len(shop.recorded(shopper)) == 2)
    subscribed, left = shop.recorded(shopper)
    assert (subscribed.kind, left.kind) == ("subscription.requested", "unsubscription.requested")
    assert subscribed.data["tags"] == ["politics", "sport"] and subscribed.data["phone"] == "+12025550137"
    assert subscribed.data["ip"] == "127.0.0.1" and subscribed.data["source"] == "browser"
    custom = shop.snippet("s3_custom.js", **{"<Your customer email here>": shop.ben})
    await shop.visit(page, custom, path="/booked")
    assert await names_of(shop, shop.bens, 3) == ["person.updated", "site-search", "room-booked"]
    assert shop.recorded(shop.bens)[-1].data["body"]["lodging"]["stars"] == 5


async def test_what_the_page_for_shop_engineers_says_works(shop: WebShop, page: Page) -> None:
    """docs/how-to/web-tracking.md, snippet by snippet, with host, store and visitor filled in."""
    filled = {"https://HELIOGRAPH": shop.door, "STORE_ID": shop.store, "ann@example.com": shop.ann}
    text = (Path(__file__).parents[2] / "docs" / "how-to" / "web-tracking.md").read_text()
    for old, new in filled.items():
        text = text.replace(old, new)
    blocks = re.findall(r"```(html|js)\n(.*?)```", text, re.DOTALL)
    snippet = next(code for kind, code in blocks if kind == "html")
    named, does, consents, alone = (code for kind, code in blocks if kind == "js")
    shop.pages["/"] = f"<!doctype html><body><script>{named}{does}</script>{snippet}</body>"
    await page.goto(shop.site)
    assert await names_of(shop, shop.anns, 4) == ["person.updated", "1112222", "cart.updated", "site-search"]
    await shop.until(lambda: shop.recorded()[-1].subject == "email:ben@example.com")
    await page.evaluate(consents)
    assert await page.context.cookies()
    await page.evaluate(f"(async () => {{ await {alone} }})()")
    assert (await names_of(shop, shop.anns, 5))[-1] == "7"


async def test_what_shop_scripts_push_is_taken(shop: WebShop, page: Page) -> None:
    """RM-8: pushes of real plug-ins, whose visitor is known by the script alone."""
    pushes = """
    _rmData.push(['track', 'carts/update', {id: 'c1', email: null, customer: null, total_price: 59.9}]);
    _rmData.push(['track', 'siteSearch', {search_keyword: 'shorts', products: [1, 2]}]);
    _rmData.push(['track', 'categoryView', {category_id: 7, category_name: 'Men'}]);
    _rmData.push(['track', 'newsletter/subscribed', {email: 'new@x.example', accepts_marketing: true, tags: ['x']}]);
    _rmData.push(['productView', {productId: 5, productCategories: 'Men', productCategoriesIds: [7, '8']}]);
    """
    await shop.visit(page, shop.is_ann, pushes)
    await shop.until(lambda: len(shop.recorded()) == 6)
    _, cart, search, category, wish, view = shop.recorded()
    assert cart.subject == shop.anns and cart.data["cart"]["id"] == "c1"
    assert [search.name, category.name] == ["siteSearch", "categoryView"]
    assert (wish.subject, wish.data["tags"]) == ("email:new@x.example", ["x"])
    assert view.data["category_ids"] == ["7", "8"]


async def test_commands_run_in_order_early_ones_and_late_ones(shop: WebShop, page: Page) -> None:
    early = f"var kept = window._rmData; {SEES % 1} _rmData.push(['nonsense'], 5, null, ['track', {{}}]); {SEES % 2}"
    await shop.visit(page, shop.is_ann, early)
    several = "_rmData.push(['productView', {productId: 4}], ['productView', {productId: 5}])"
    await page.evaluate(f"{SEES % 3} {several}; var _rmData = _rmData || []; {SEES % 6}")
    await page.evaluate("kept.push(['productView', {productId: 7}])")
    assert await names_of(shop, shop.anns, 8) == ["person.updated", *"1234567"]


async def test_events_wait_for_the_store(shop: WebShop, page: Page) -> None:
    """S3:L102: the snippet that names it stands at the end of the page."""
    await shop.visit(page, shop.is_ann, SEES % 1)
    assert await names_of(shop, shop.anns, 2) == ["person.updated", "1"]
    assert len(shop.sent) == 1, "and everything goes at once"


async def test_without_a_visitor_nothing_is_sent(shop: WebShop, page: Page) -> None:
    """S3:L128, L724: "We currently don't track events that were sent without a user being identified first"."""
    nobody = "var _rmData = []; _rmData.push(['setCustomer', ''], ['setCustomer', '<CUSTOMER_EMAIL>'], ['setCustomerId', '']);"
    await shop.visit(page, nobody, SEES % 1)
    await page.evaluate(f"_rmData.push(['setCustomer', '{shop.ben}']); {SEES % 2}")
    assert await names_of(shop, shop.bens, 2) == ["person.updated", "2"]
    assert len(shop.recorded()) == 2


async def test_events_can_be_kept_until_the_visitor_is_known(shop: WebShop, page: Page) -> None:
    keeps = "var _rmData = []; _rmData.push(['keepUntilIdentified', true]);"
    many = "for (let n = 1; n <= 54; n++) _rmData.push(['productView', {productId: n}]);"
    await shop.visit(page, keeps, many)
    await page.evaluate(f"{SEES % 55} _rmData.push(['setCustomer', '{shop.ben}'])")
    views = [str(number) for number in range(6, 56)]  # the oldest are forgotten
    assert await names_of(shop, shop.bens, 51) == [*views, "person.updated"]


async def test_a_customer_by_number_finds_who_is_there(shop: WebShop, page: Page) -> None:
    """S3:L113, L127: setCustomerId makes nobody and says nothing of them."""
    await shop.visit(page, f"var _rmData = []; _rmData.push(['setCustomerId', 4711]); {SEES % 1}")
    await page.evaluate("_rmData.push(['track', 'carts/update', {id: 'c7', customer: null}])")
    assert await names_of(shop, "customer:4711", 2) == ["1", "cart.updated"]
    assert shop.recorded()[-1].data["cart"]["customer"] == {"id": "4711"}
    assert "person.updated" not in [event.kind for event in shop.recorded()]


async def test_a_page_that_is_left_at_once_loses_nothing(shop: WebShop, page: Page) -> None:
    """Fifteen pages, each left in the very moment in which it says something; the answers come when all are gone."""
    for number in range(15):
        leave = (
            f"_rmData.push(['setCustomer', '{shop.ann}']); {SEES % number} location.href = '/{number + 1}';"
        )
        shop.pages[f"/{number}"] = shop.html() + f"<script>onload = () => {{ {leave} }}</script>"
    shop.pages["/15"] = "<h1>The end</h1>"
    await page.goto(f"{shop.site}/0")
    await page.wait_for_url("**/15")

    def seen() -> list[int]:
        return sorted(int(event.name) for event in shop.recorded(shop.anns) if event.name.isdigit())

    await shop.until(lambda: len(seen()) >= 15)
    assert seen() == [*range(15)]


async def test_a_tab_that_is_closed_loses_nothing(shop: WebShop, page: Page) -> None:
    await shop.visit(page, shop.is_ann)
    await names_of(shop, shop.anns, 1)
    shop.open.clear()
    await page.evaluate(SEES % 1)
    await shop.until(lambda: len(shop.sent) == 2)
    await page.evaluate(SEES % 2)  # waits for the answer to the first, which will not come
    await page.close()
    shop.open.set()
    assert sorted(await names_of(shop, shop.anns, 3)) == ["1", "2", "person.updated"]


@pytest.mark.parametrize("fault", [503, 429, "proxy", "cut", "lost"])
async def test_bad_weather_is_waited_out_and_nothing_is_recorded_twice(
    shop: WebShop, page: Page, fault: int | str
) -> None:
    """RM-21: an answer that is lost makes the page send again what is recorded already."""
    shop.faults.append(fault)
    await shop.visit(page, shop.is_ann, SEES % 1)
    await shop.until(lambda: shop.sent)
    await page.evaluate(SEES % 2)
    assert await names_of(shop, shop.anns, 3) == ["person.updated", "1", "2"]
    again = [item["id"] for batch in shop.sent for item in batch]
    assert len(again) > len(set(again)) == 3
    assert len(shop.recorded(shop.anns)) == 3


async def test_what_is_refused_for_good_is_not_sent_again(shop: WebShop, page: Page) -> None:
    """RM-22"""
    shop.faults.append(400)
    await shop.visit(page, shop.is_ann, SEES % 1)
    await shop.until(lambda: shop.sent)
    await page.evaluate(SEES % 2)
    assert await names_of(shop, shop.anns, 1) == ["2"]
    assert len(shop.sent) == 2


async def test_an_age_is_told_and_no_time_of_the_visitors_clock(shop: WebShop, page: Page) -> None:
    start = time.monotonic()
    await page.clock.set_system_time("2001-01-01T00:00:00Z")
    shop.faults.append(503)
    await shop.visit(page, shop.is_ann, SEES % 1)
    await shop.until(lambda: len(shop.sent) == 1)
    await page.clock.set_system_time("2001-01-01T01:00:00Z")
    await names_of(shop, shop.anns, 2)
    view = shop.recorded(shop.anns)[-1]
    took = time.monotonic() - start
    assert 3595 - took < (view.recorded - view.at) / 1e6 < 3605 + took


async def test_nothing_is_kept_in_the_browser_without_consent(shop: WebShop, page: Page) -> None:
    """STD-7"""
    shop.faults.extend(["cut"] * 2)
    await shop.visit(page, shop.is_ann, SEES % 1)
    await shop.until(lambda: shop.sent)
    assert await page.context.cookies() == []
    assert await page.evaluate("localStorage.length + sessionStorage.length") == 0


async def test_with_consent_the_visitor_is_known_on_the_next_page_until_it_is_withdrawn(
    shop: WebShop, page: Page
) -> None:
    """STD-7"""
    await shop.visit(page, shop.is_ann, "_rmData.push(['setConsent', true]);")
    (cookie,) = await page.context.cookies()
    assert (cookie["name"], cookie["sameSite"], cookie["path"]) == ("_heliograph", "Lax", "/")
    await shop.visit(page, f"var _rmData = []; {SEES % 1}", path="/next")
    assert await names_of(shop, shop.anns, 2) == ["person.updated", "1"]
    newsletter = f"['track', 'newsletter/unsubscribe', {{email: '{shop.ann}'}}]"
    await page.evaluate(f"_rmData.push(['setConsent', false]); {SEES % 2} _rmData.push({newsletter})")
    assert await names_of(shop, shop.anns, 3) == ["person.updated", "1", "unsubscription.requested"]
    assert await page.context.cookies() == []
    await shop.visit(page, f"var _rmData = []; {SEES % 3} _rmData.push({newsletter})", path="/later")
    await shop.until(lambda: len(shop.recorded(shop.anns)) == 4)
    assert "3" not in [event.name for event in shop.recorded()]


async def test_with_consent_what_could_not_be_sent_is_sent_by_the_next_page(
    shop: WebShop, page: Page
) -> None:
    shop.faults.extend(["cut"] * 1000)  # for as long as the page is here, however often it tries
    await shop.visit(page, shop.is_ann, "_rmData.push(['setConsent', true]);", SEES % 1)
    await shop.until(lambda: shop.sent)
    await page.evaluate(SEES % 2)
    shop.pages["/plain"] = "<h1>Without the script</h1>"
    await page.goto(f"{shop.site}/plain")
    assert await page.evaluate("Object.keys(localStorage).length") >= 2
    shop.faults.clear()
    await shop.visit(page, path="/next")
    assert sorted(await names_of(shop, shop.anns, 3)) == ["1", "2", "person.updated"]
    await page.wait_for_function("localStorage.length === 0")


async def test_two_tabs_share_a_visitor_and_disturb_each_other_in_nothing(shop: WebShop, page: Page) -> None:
    shop.faults.extend([503] * 2)
    await shop.visit(page, shop.is_ann, "_rmData.push(['setConsent', true]);", SEES % 1)
    other = await page.context.new_page()
    await shop.visit(other, f"var _rmData = _rmData || []; {SEES % 2}", path="/other")
    await page.evaluate(SEES % 3)
    assert sorted(await names_of(shop, shop.anns, 4)) == ["1", "2", "3", "person.updated"]
    await page.wait_for_function("localStorage.length === 0")
    assert len(shop.recorded(shop.anns)) == 4, "what both have sent is recorded once"


async def test_a_visitor_who_logs_out_is_forgotten(shop: WebShop, page: Page) -> None:
    await shop.visit(page, shop.is_ann, "_rmData.push(['setConsent', true], ['clearCustomer']);", SEES % 1)
    await shop.visit(
        page, f"var _rmData = []; {SEES % 2}; _rmData.push(['setCustomer', '{shop.ben}']); {SEES % 3}"
    )
    assert await names_of(shop, shop.bens, 2) == ["person.updated", "3"]
    assert [event.name for event in shop.recorded(shop.anns)] == ["person.updated"]


async def test_a_browsers_privacy_signal_is_heeded_by_option(shop: WebShop, page: Page) -> None:
    """Global Privacy Control; without the option the shop has asked for itself."""
    await page.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {value: true})"
    )
    heeds = "var _rmData = []; _rmData.push(['respectPrivacySignals', true], ['setConsent', true]);"
    wish = f"_rmData.push(['track', 'newsletter/subscribe', {{email: '{shop.ann}'}}]);"
    await shop.visit(page, heeds, shop.is_ann, SEES % 1, wish)
    assert await names_of(shop, shop.anns, 1) == ["subscription.requested"]
    assert await page.context.cookies() == []
    await shop.visit(page, shop.is_ann, SEES % 2, path="/without")
    assert await names_of(shop, shop.anns, 3) == ["subscription.requested", "person.updated", "2"]


async def test_a_page_that_may_not_keep_anything_works(shop: WebShop, page: Page) -> None:
    """Browsers that block cookies and storage throw when they are looked at."""
    blocked = """
    const no = {get() { throw new DOMException('no', 'SecurityError'); }, set() { throw new DOMException('no'); }};
    Object.defineProperty(Document.prototype, 'cookie', no);
    Object.defineProperty(window, 'localStorage', no);
    """
    await page.add_init_script(blocked)
    shop.faults.append(503)
    await shop.visit(
        page, shop.is_ann, "_rmData.push(['setConsent', true], ['setCookieDomain', 'x.example']);", SEES % 1
    )
    await page.evaluate(SEES % 2)
    assert await names_of(shop, shop.anns, 3) == ["person.updated", "1", "2"]
    await page.evaluate(f"_rmData.push(['setConsent', false], ['setConsent', true]); {SEES % 3}")
    assert (await names_of(shop, shop.anns, 4))[-1] == "3"


async def test_a_contact_named_on_every_page_is_one_event_a_day(shop: WebShop, page: Page) -> None:
    await page.clock.set_fixed_time("2026-01-31T12:00:00Z")  # the test itself may run at midnight
    for number in range(3):
        await shop.visit(page, shop.is_ann, SEES % number, path=f"/{number}")
        await shop.until(
            lambda number=number: str(number) in [event.name for event in shop.recorded(shop.anns)]
        )
    assert [event.name for event in shop.recorded(shop.anns)] == ["person.updated", "0", "1", "2"]


async def test_a_page_that_is_only_prepared_says_nothing_until_it_is_shown(shop: WebShop, page: Page) -> None:
    await page.add_init_script("Object.defineProperty(document, 'prerendering', {get: () => !window.shown})")
    shop.pages["/"] = shop.html(shop.is_ann, SEES % 1)
    await page.goto(shop.site)
    await page.wait_for_function("_rmData.heliograph === true")
    assert await page.evaluate("_rmData.length") == 3
    assert shop.sent == []
    await page.evaluate("shown = true; document.dispatchEvent(new Event('prerenderingchange'))")
    assert await names_of(shop, shop.anns, 2) == ["person.updated", "1"]


async def test_the_script_loaded_twice_says_everything_once(shop: WebShop, page: Page) -> None:
    await shop.visit(page, shop.is_ann)
    await page.add_script_tag(url=f"{shop.door}/webtracking/track.js")
    await page.evaluate(SEES % 1)
    await shop.until(lambda: [event.name for event in shop.recorded(shop.anns)].count("1") == 1)
    assert sum(item["type"] == "productView" for batch in shop.sent for item in batch) == 1


async def test_very_many_events_arrive_in_their_order(shop: WebShop, page: Page) -> None:
    await shop.visit(page, shop.is_ann)
    await page.evaluate(
        "for (let n = 0; n < 80; n++) _rmData.push(['track', 'step', {n: n, text: 'x'.repeat(900)}])"
    )
    await shop.until(lambda: sum(event.name == "step" for event in shop.recorded(shop.anns)) == 80)
    steps = [event.data["body"]["n"] for event in shop.recorded(shop.anns) if event.name == "step"]
    assert steps == [*range(80)]
    assert all(len(batch) <= 50 for batch in shop.sent)
