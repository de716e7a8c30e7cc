"""The document's mandatory fields, as tables (S3), for accounts that want them enforced (RM-6, strict).

A rule is a path and a check. `line_items[]` means each element, `customer?` only when it is there. Where the
document contradicts itself the resolution of its examples holds: they all pass. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from heliograph.errors import Fault
from heliograph.events.commerce import image_url
from heliograph.events.people import text_id

Check = Callable[[dict[str, Any], str], str | None]
"""Given the object that holds the field, and the field's name: the reason why it is wrong, or None."""


class Rule(NamedTuple):
    """One mandatory field."""

    path: tuple[str, ...]
    check: Check


def faults(document: dict[str, Any], rules: tuple[Rule, ...]) -> Iterator[Fault]:
    """Every mandatory field that is missing or wrong."""
    for rule in rules:
        yield from _walk(document, rule.path, "", rule.check)


def _walk(holder: Any, path: tuple[str, ...], shown: str, check: Check) -> Iterator[Fault]:
    name = path[0]
    if len(path) == 1:
        reason = check(holder if isinstance(holder, dict) else {}, name)
        if reason:
            yield Fault(shown + name, reason)
        return
    plain = name.rstrip("[]?")
    value = _get(holder, plain) if isinstance(holder, dict) else None
    if name.endswith("[]"):
        for place, item in enumerate(value if isinstance(value, list) else ()):
            yield from _walk(item, path[1:], f"{shown}{plain}[{place}].", check)
    elif value is not None or not name.endswith("?"):
        yield from _walk(value, path[1:], f"{shown}{plain}.", check)


def _get(holder: dict[str, Any], name: str) -> Any:
    value = holder.get(name)
    return holder.get("lineitems") if value is None and name == "line_items" else value


def _check(wanted: str, right: Callable[[Any], bool]) -> Check:
    def check(holder: dict[str, Any], name: str) -> str | None:
        if name not in holder and _get(holder, name) is None:
            return f"missing: mandatory, {wanted}"
        return None if right(_get(holder, name)) else f"must be {wanted}"

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int | float) and text_id(value) is not None


def _is_date(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _is_url(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _picture(holder: dict[str, Any], name: str) -> str | None:
    images = holder.get("images")
    url = image_url(holder.get(name), images if isinstance(images, list) else None)
    return (
        None if _is_url(url) else "missing: mandatory, a URL in `image`, `image.src` or the first of `images`"
    )


_text = _check("text", lambda value: isinstance(value, str) and value.strip() != "")
_id = _check("an id: text or a number", _is_id)
_number = _check("a number", _is_number)
_positive = _check("a number, not below zero", lambda value: _is_number(value) and value >= 0)
_yes_or_no = _check("true or false", lambda value: isinstance(value, bool))
_opt_in = _check("true, false, or null for unknown", lambda value: value is None or isinstance(value, bool))
_date = _check("a date and time with its zone (2012-02-15T15:12:21-05:00)", _is_date)
_url = _check("a URL", _is_url)
_list = _check("an array", lambda value: isinstance(value, list))
_currency = _check("a 3-letter currency code", lambda value: isinstance(value, str) and len(value) == 3)


def _rules(**checks: Check) -> tuple[Rule, ...]:
    return tuple(Rule((name,), check) for name, check in checks.items())


def _under(*path: str, **checks: Check) -> tuple[Rule, ...]:
    return tuple(Rule((*path, name), check) for name, check in checks.items())


CUSTOMER = _rules(email=_text)

ORDER = (
    *_rules(id=_id, created_at=_date),
    *_under("customer", accepts_marketing=_opt_in, created_at=_date, updated_at=_date, email=_text),
    *_rules(line_items=_list),
    *_under("line_items[]", product_id=_id, quantity=_number, sku=_text, name=_text),
    *_under("line_items[]", url=_url, image=_picture, price=_number),
    *_under("status", name=_text),
    *_rules(subtotal_price=_number, total_discounts=_positive, total_shipping=_number),
    *_rules(total_tax=_number, total_price=_number),
)

PRODUCT = (
    *_rules(id=_id, sku=_text, created_at=_date, image=_picture, product_exists=_yes_or_no),
    *_rules(title=_text, url=_url, vendor=_text),
    *_under("variants[]", id=_id, image=_url, inventory_quantity=_number, product_id=_id, sku=_text),
    *_under("variants[]", title=_text),
)

CART = (
    *_rules(id=_id, abandoned_checkout_url=_url, accepts_marketing=_opt_in, created_at=_date),
    *_rules(updated_at=_date, currency=_currency, line_items=_list),
    *_under("customer?", accepts_marketing=_opt_in, email=_text, id=_id),
    *_rules(total_discounts=_positive, total_price=_number),
)
"""`title` is no field of a cart (S3:L628 describes a product), and a guest's `customer` is null."""
