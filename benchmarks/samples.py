"""What is asked: references signed with the running engine's keys, and orders of a real shop's size."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from benchmarks.load import Ask
from benchmarks.servers import Server
from heliograph.accounts.directory import load_directory
from heliograph.database import open_state
from heliograph.events.event import new_id
from heliograph.refs import ClickRef, MessageRef, Refs

AGENT = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
NOW = 1_790_000_000_000_000
TARGET = "https://shop.example/products/black-cloak?utm_source=mail&utm_campaign=winter"


def pixels(server: Server, number: int) -> list[Ask]:
    """Open pixels of that many messages; for another server than ours paths of the same length."""
    if "account" not in server.keys:
        return [Ask("GET", f"/o/{'A' * 84}{n:06}.gif", {"User-Agent": AGENT}) for n in range(number)]
    refs = _refs(server)
    return [
        Ask("GET", f"/o/{refs.open(_message(server, n))}.gif", {"User-Agent": AGENT}) for n in range(number)
    ]


def clicks(server: Server, number: int) -> list[Ask]:
    """Tracked links of that many messages."""
    if "account" not in server.keys:
        return [Ask("GET", f"/c/{'A' * 190}{n:06}", {"User-Agent": AGENT}) for n in range(number)]
    refs = _refs(server)
    made = [refs.click(ClickRef(_message(server, n), 2, "cloak", TARGET)) for n in range(number)]
    return [Ask("GET", f"/c/{token}", {"User-Agent": AGENT}) for token in made]


def orders(server: Server, number: int) -> list[Ask]:
    """Orders, one per request, at our webhook path, which the plain app shares."""
    path = f"/webhooks/store/{server.keys.get('store_id', 'plain')}"
    headers = {
        "Content-Type": "application/json",
        "x-token": server.keys["store_key"],
        "x-event-type": "orders/create",
        "x-platform": "custom",
    }
    return [Ask("POST", path, headers, json.dumps(order(n), separators=(",", ":"))) for n in range(number)]


def plugins(server: Server, number: int) -> list[Ask]:
    """What plug-ins send: 60 % carts, 20 % customers, 15 % orders, 5 % products, one per request, with everything
    that Magento's and WooCommerce's put in. The plain app has a path for each."""
    dice = random.Random(11)  # noqa: S311 - a sample
    kinds = dice.choices(list(_PLUGIN_MIX), [weight for weight, _ in _PLUGIN_MIX.values()], k=number)
    asks = []
    for place, kind in enumerate(kinds):
        body = json.dumps(_PLUGIN_MIX[kind][1](dice, place), separators=(",", ":"))
        name = kind.partition("/")[0]
        store = server.keys.get("store_id")
        headers = {
            "Content-Type": "application/json",
            "x-token": server.keys["store_key"],
            "x-event-type": kind,
            "x-platform": "MAGENTO_2",
            "x-domain": "shop.example",
        }
        path = f"/webhooks/store/{store}" if store else f"/webhooks/plain/{name}"
        asks.append(Ask("POST", path, headers, body))
    return asks


def batches(server: Server, number: int, size: int = 1000) -> list[Ask]:
    """Batches of `size` orders each."""
    headers = {"Content-Type": "application/json", "x-api-key": server.keys["api_key"]}
    made = []
    for batch in range(number):
        items = [{"type": "orders/create", "data": order(batch * size + n)} for n in range(size)]
        made.append(Ask("POST", "/api/v1/events/batch", headers, json.dumps(items, separators=(",", ":"))))
    return made


def customer(number: int) -> dict[str, Any]:
    """A customer."""
    return {
        "accepts_marketing": True,
        "birthdate": "1997-02-26",
        "created_at": "2024-02-15T15:12:21-05:00",
        "default_address": {
            "country": "United States",
            "country_code": "USA",
            "province_code": "MO",
            "zip": "45415-3423",
            "phone": "1-923-555-5555",
        },
        "email": f"guy{number}@shop{number % 17}.example",
        "first_name": "Guy",
        "gender": "M",
        "groups": [{"id": 1, "name": "VIP Customers"}],
        "id": number,
        "last_name": "Harel",
        "updated_at": "2026-02-15T15:12:21-05:00",
        "tags": "tag1,tag2",
        "verified_email": True,
    }


def order(number: int) -> dict[str, Any]:
    """An order with the fields of the document's example: 1.4 kB."""
    person = random.Random(number).randrange(50_000)  # noqa: S311 - a sample
    return {
        "created_at": "2026-02-15T15:12:21-05:00",
        "currency": "USD",
        "customer": customer(person),
        "discount_codes": [{"code": "10OFF", "amount": 20, "type": "fixed_amount"}],
        "email": f"guy{person}@shop{person % 17}.example",
        "fulfillment_status": "string",
        "id": number,
        "line_items": [
            {
                "product_id": 1234,
                "quantity": 1,
                "sku": "SKU1234",
                "name": "Blue Shirt, Size S",
                "url": "https://my.cool.store/catalog/cool-gadget.html",
                "image": "https://my.cool.store/images/cool-gadget.jpg",
                "title": "Shirt",
                "variant_title": "Blue",
                "vendor": "Castro",
                "price": 100,
                "taxable": True,
                "tax_lines": [{"title": "VAT", "price": 18, "rate": 0.18}],
                "added_at": "2026-02-15T15:12:21-05:00",
            }
        ],
        "note": "Please don't break this!",
        "shipping_lines": [{"title": "Fedex 2-day", "price": 20, "code": "fedex-2-day"}],
        "status": {"code": "S", "name": "Shipped"},
        "financial_status": {"code": "S", "name": "Shipped"},
        "subtotal_price": 100,
        "tax_lines": [{"title": "VAT", "price": 18, "rate": 0.18}],
        "taxes_included": True,
        "test": True,
        "total_discounts": 20,
        "total_line_items_price": 100,
        "total_price": 100,
        "total_shipping": 20,
        "total_tax": 18,
        "total_weight": 150,
        "updated_at": "2026-02-15T15:12:21-05:00",
        "channel": "POS",
    }


def _lines(dice: random.Random, most: int) -> list[dict[str, Any]]:
    made = []
    for _ in range(dice.randint(1, most)):
        number = dice.randrange(5000)
        url = f"https://shop.example/catalog/collection-{number % 37}/cool-gadget-of-this-season-{number}"
        made.append(
            {
                "product_id": number,
                "parent_product_id": number // 10,
                "sku": f"SKU-{number}-L-BLUE",
                "name": f"Cool gadget of this season, number {number}, size L",
                "title": f"Cool gadget {number}",
                "variant_title": "Blue / L",
                "vendor": "Castro",
                "quantity": dice.randint(1, 3),
                "price": "39.9000",
                "url": f"{url}.html?utm_source=mail&utm_medium=cart",
                "images": [f"{url}/front-1200x1200.jpg", f"{url}/back-1200x1200.jpg"],
                "tax_lines": [{"title": "VAT", "price": 7.58, "rate": 0.19}],
                "taxable": True,
                "added_at": "2026-02-15T15:12:21+00:00",
            }
        )
    return made


def _plugin_basket(dice: random.Random, number: int, most: int) -> dict[str, Any]:
    body = order(number) | {"line_items": _lines(dice, most), "total_discounts": -20.0}
    body["shipping_address"] = body["billing_address"] = {
        "first_name": "Guy",
        "last_name": "Harel",
        "street": "1 Infinite Warehouse Road",
        "city": "Springfield",
        "region": "MO",
        "postcode": "45415-3423",
        "country_id": "US",
        "telephone": "1-923-555-5555",
    }
    return body


def _plugin_cart(dice: random.Random, number: int) -> dict[str, Any]:
    body = _plugin_basket(dice, number % 400, 8)
    for name in ("status", "financial_status", "fulfillment_status", "shipping_lines", "channel"):
        del body[name]
    return body | {
        "accepts_marketing": None,
        "abandoned_checkout_url": f"https://shop.example/checkout/cart?token={dice.getrandbits(128):032x}",
        "cart_token": f"{dice.getrandbits(128):032x}",
    }


def _plugin_customer(dice: random.Random, number: int) -> dict[str, Any]:
    rewards = {"points": dice.randrange(900), "tier": "gold", "expires_at": "2027-01-01T00:00:00+00:00"}
    return customer(number) | {
        "rewards": rewards,
        "gender": "male",
        "note": "Prefers to be called in the evening. " * 8,
    }


def _plugin_order(dice: random.Random, number: int) -> dict[str, Any]:
    return _plugin_basket(dice, number, 6) | {
        "payment_method": "paypal_express",
        "state": "processing",
        "guest": 0,
    }


def _plugin_product(dice: random.Random, number: int) -> dict[str, Any]:
    first, *_ = _lines(dice, 1)
    variant = {
        "sku": first["sku"],
        "title": "Blue / L",
        "price": "39.9000",
        "inventory_quantity": 7,
        "image": first["images"][0],
    }
    return {
        "id": number,
        "sku": first["sku"],
        "title": first["name"],
        "body_html": "<p>A gadget that every household is better with than without.</p>" * 12,
        "categories": [{"code": str(n), "name": f"Category {n}"} for n in range(4)],
        "created_at": "2024-02-15T15:12:21-05:00",
        "updated_at": "2026-02-15T15:12:21-05:00",
        "images": [{"id": 1, "src": image} for image in first["images"]],
        "product_exists": True,
        "tags": "summer,blue,gadget",
        "url": first["url"],
        "vendor": "Castro",
        "variants": [
            variant | {"id": number * 10 + n, "product_id": number} for n in range(dice.randint(1, 6))
        ],
    }


_PLUGIN_MIX: dict[str, tuple[int, Callable[[random.Random, int], dict[str, Any]]]] = {
    "carts/update": (60, _plugin_cart),
    "customers/updated": (20, _plugin_customer),
    "orders/updated": (15, _plugin_order),
    "products/updated": (5, _plugin_product),
}


def _refs(server: Server) -> Refs:
    return Refs(load_directory(open_state(server.data, read_only=True)).master)


def _message(server: Server, number: int) -> MessageRef:
    return MessageRef(server.keys["account"], new_id(NOW + number), new_id(NOW - number))
