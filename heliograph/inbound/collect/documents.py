"""Customers, orders, products and carts: bodies that are recorded as they came (RM-6, RM-8, RM-23).

One typed decode tells whether a body fits and whose it is; its bytes then go into the event unchanged. Only a body
that does not fit, or that names an address that cannot be one, is mended: then the original is kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from heliograph.events import subjects
from heliograph.events.commerce import Basket, Cart, Order, Product, instant
from heliograph.events.people import Customer, Scalar, text_id
from heliograph.inbound.collect import mandatory
from heliograph.inbound.collect.bodies import UNDECODABLE, json_object, not_json, sound
from heliograph.inbound.collect.countries import country_code
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.fitting import Remedy, apply, fit
from heliograph.inbound.collect.identities import NOT_A_PAGES_WORD, address, identifier, member, phone
from heliograph.inbound.collect.mandatory import Rules
from heliograph.inbound.collect.senders import Sender
from heliograph.inbound.collect.told import Told

_encode = msgspec.json.Encoder().encode
_plain = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Form:
    """One kind of document. `field` is its place in the event's data. `identify` gives the subject, and puts on
    the list what must be put right in the body so that no reader takes a wrong address for one."""

    struct: type[Any]
    field: bytes
    identify: Callable[[Any, Sender, Findings, list[Remedy]], str]
    mandatory: Rules

    def reader(self, kind: str, *, rules: bool = True) -> Callable[[Sender, bytes, Findings], Told]:
        """What reads bodies of this form as events of `kind`; deletions have no mandatory fields but the id."""
        decode = msgspec.json.Decoder(self.struct).decode
        struct, field, identify = self.struct, self.field, self.identify
        table = self.mandatory if rules else None

        def read(sender: Sender, body: bytes, findings: Findings) -> Told:
            document: dict[str, Any] | None = None
            try:
                value = decode(body)
                sound(body)
            except msgspec.ValidationError:
                document = fit(json_object(body), struct, findings)
                value = msgspec.convert(document, struct)
            except UNDECODABLE as error:
                raise not_json(error) from error
            if table and findings.strict:
                for fault in mandatory.faults(_plain(body), table):
                    findings.fault(*fault)
            remedies: list[Remedy] = []
            subject = identify(value, sender, findings, remedies)
            if table and not findings.strict and not table.fits(body):
                findings.odd(mandatory.oddities(_plain(body), table))
            if remedies:
                document = apply(remedies, json_object(body) if document is None else document)
            stamped = value.timestamp is not None and value.updated_at is not None
            changed = instant(value.updated_at) if stamped else None
            if document is None:
                return Told(kind, subject, (field, body), None, value.timestamp, changed)
            return Told(kind, subject, (field, _encode(document)), body, value.timestamp, changed)

        return read


def _person(value: Customer, sender: Sender, findings: Findings, remedies: list[Remedy]) -> str:
    subject = _address(value.email, ("email",), sender, findings, remedies) if value.email else ""
    _phone(value, (), sender, findings, remedies)
    number = _number(value.id, ("id",), findings, remedies)
    if subject and number is not None and sender.keyless:
        remedies.append(Remedy(("id",), None))
        findings.remark("id", NOT_A_PAGES_WORD)
    if subject:
        return subject
    if number is None and not findings.refusals:
        findings.refuse("email", "missing: a customer needs a valid email or an id")
    return subjects.customer(number or "")


def _product(value: Product, _: Sender, findings: Findings, __: list[Remedy]) -> str:
    return subjects.thing("product", _own_id(value.id, "a product", findings))


def _order(value: Order, sender: Sender, findings: Findings, remedies: list[Remedy]) -> str:
    number = _own_id(value.id, "an order", findings)
    return _buyer(value, sender, findings, remedies) or subjects.thing("order", number)


def _cart(value: Cart, sender: Sender, findings: Findings, remedies: list[Remedy]) -> str:
    number = _own_id(value.id, "a cart", findings)
    return _buyer(value, sender, findings, remedies) or subjects.thing("cart", number)


def _buyer(value: Basket, sender: Sender, findings: Findings, remedies: list[Remedy]) -> str:
    """The subject of whoever buys: the basket's address, else its customer's, else the customer's number."""
    email, customer = value.email, value.customer
    subject = _address(email, ("email",), sender, findings, remedies) if email else ""
    if customer is None:
        return subject
    if customer.email and (customer.email != email or not subject):
        other = _address(customer.email, ("customer", "email"), sender, findings, remedies)
        subject = subject or other
    _phone(customer, ("customer",), sender, findings, remedies)
    number = _number(customer.id, ("customer", "id"), findings, remedies)
    if subject and number is not None and sender.keyless:
        remedies.append(Remedy(("customer", "id"), None))
        findings.remark("customer.id", NOT_A_PAGES_WORD)
    return subject or (subjects.customer(number) if number else "")


def _address(
    said: str, path: tuple[str, ...], sender: Sender, findings: Findings, remedies: list[Remedy]
) -> str:
    right = address(said, path, findings)
    if right is None:
        remedies.append(Remedy(path, None))
        return ""
    return subjects.email(right, keep_case=sender.keep_case)


def _number(said: Scalar, path: tuple[str, ...], findings: Findings, remedies: list[Remedy]) -> str | None:
    number = member(said, ".".join(path), findings)
    if number is None and text_id(said) == "0":
        remedies.append(Remedy(path, None))
    return number


def _phone(
    value: Customer, holder: tuple[str, ...], sender: Sender, findings: Findings, remedies: list[Remedy]
) -> None:
    """A customer's number; one without a country code is of the customer's country, else of the account's."""
    said, path = value.sms_phone_number_e164, (*holder, "sms_phone_number_e164")
    if said:
        address = value.default_address or {}
        country = country_code(address.get("country_code")) or country_code(address.get("country"))
        right = phone(said, ".".join(path), findings, country=country or sender.country)
        if right != said:
            remedies.append(Remedy(path, right))


def _own_id(said: str | int | float | bool | None, what: str, findings: Findings) -> str:
    number = identifier(said, "id", findings)
    if number is None and not findings.refusals:
        findings.refuse("id", f"missing: {what} needs its id")
    return number or ""


PERSON = Form(Customer, b'"person":', _person, mandatory.CUSTOMER)
ORDER = Form(Order, b'"order":', _order, mandatory.ORDER)
PRODUCT = Form(Product, b'"product":', _product, mandatory.PRODUCT)
CART = Form(Cart, b'"cart":', _cart, mandatory.CART)
