"""What visitors do: views of products, and events of a sender's own making (RM-20)."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from heliograph.events import subjects
from heliograph.events.commerce import ProductViewed
from heliograph.events.custom import Custom
from heliograph.events.people import Scalar
from heliograph.inbound.collect.bodies import json_object
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.identities import NOT_A_PAGES_WORD, address, identifier, member
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told, members

_encode = msgspec.json.Encoder().encode


class Visitor(NamedTuple):
    """Who did it, as far as the body says."""

    email: str | None
    customer_id: str | None


def read_custom(name: str, sender: Sender, body: bytes, findings: Findings) -> Told:
    """An event under the sender's own name: any object. Whose it is, it may say; otherwise it is the account's."""
    document = json_object(body)
    return _custom(name, sender, body, document, _visitor(document, sender, findings))


def read_view(name: str, sender: Sender, body: bytes, findings: Findings) -> Told:
    """`productView`. Without a visitor it is nobody's view, and is kept as a custom event."""
    document = json_object(body)
    product = identifier(_scalar(document.get("productId")), "productId", findings)
    if product is None and not findings.refusals:
        findings.refuse("productId", "missing: mandatory, the id of the product that was viewed")
    visitor = _visitor(document, sender, findings)
    if visitor.email is None and visitor.customer_id is None:
        findings.fault("email", "missing: nobody is known to have viewed it; kept as a custom event")
        return _custom(name, sender, body, document, visitor)
    data = ProductViewed(
        product_id=product or "",
        categories=_texts(document.get("productCategories")),
        category_ids=_texts(document.get("productCategoriesIds")),
        email=visitor.email,
        customer_id=visitor.customer_id,
    )
    timestamp = _scalar(document.get("timestamp"))
    return Told(data.kind, _subject(visitor, sender), members(data), body, timestamp)


def _custom(name: str, sender: Sender, body: bytes, document: dict[str, Any], visitor: Visitor) -> Told:
    fields: tuple[bytes, ...] = (b'"name":', _encode(name), b',"body":', body)
    if visitor.email:
        fields += (b',"email":', _encode(visitor.email))
    if visitor.customer_id:
        fields += (b',"customer_id":', _encode(visitor.customer_id))
    timestamp = _scalar(document.get("timestamp"))
    return Told(Custom.kind, _subject(visitor, sender), fields, None, timestamp)


def _visitor(document: dict[str, Any], sender: Sender, findings: Findings) -> Visitor:
    """`email` and `customerId`, at the top or in `customer`; what is not text or a number there is not meant so."""
    nested = document.get("customer")
    customer: dict[str, Any] = nested if isinstance(nested, dict) else {}
    emails = ((("email",), document.get("email")), (("customer", "email"), customer.get("email")))
    ids = (
        ("customerId", document.get("customerId")),
        ("customer_id", document.get("customer_id")),
        ("customer.id", customer.get("id")),
    )
    found = (address(value, path, findings) for path, value in emails if isinstance(value, str) and value)
    numbered = (member(_scalar(value), field, findings) for field, value in ids)
    email, number = next(filter(None, found), None), next(filter(None, numbered), None)
    if email and number and sender.keyless:
        findings.remark("customerId", NOT_A_PAGES_WORD)
        return Visitor(email, None)
    return Visitor(email, number)


def _subject(visitor: Visitor, sender: Sender) -> str:
    if visitor.email:
        return subjects.email(visitor.email, keep_case=sender.keep_case)
    if visitor.customer_id:
        return subjects.customer(visitor.customer_id)
    return subjects.thing("account", sender.account)


def _scalar(value: Any) -> Scalar:
    return value if isinstance(value, str | int | float) else None


def _texts(value: Any) -> tuple[str, ...]:
    """A list of texts from an array, a text or a number; anything deeper is not meant."""
    values = value if isinstance(value, list) else [value]
    return tuple(
        str(part) for part in values if isinstance(part, str | int | float) and not isinstance(part, bool)
    )
