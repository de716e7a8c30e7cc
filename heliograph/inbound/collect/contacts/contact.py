"""A contact as forms and imports send one, in the customer's wire form of S3. Pure.

Two spellings are in use: v1's (`firstName`, `marketingAllowed`, `properties`) and the customer's own
(`first_name`, `accepts_marketing`); both are taken everywhere. What a contact **wishes** and what a shop merely
**records** are told apart here, because only a wish may lift an unsubscription, and it is asked to be confirmed
unless the sender says otherwise (RM-11): `doubleOptin` is true by default.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from heliograph.events.people import Customer, Scalar, flag, text_id
from heliograph.inbound.collect.bodies import json_object
from heliograph.inbound.collect.countries import country_code
from heliograph.inbound.collect.findings import Findings
from heliograph.inbound.collect.fitting import fit
from heliograph.inbound.collect.identities import NOT_A_PAGES_WORD, address, member, phone
from heliograph.inbound.collect.senders import Sender

NOBODY = "missing: a contact needs a valid email address or phone number"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a contact that are read here; all others go into the customer as they are."""

    id: Scalar = None
    email: str | None = None
    sms_phone_number: Scalar = None
    sms_phone_number_e164: Scalar = None
    sms_country_code: str | None = None
    firstName: str | None = None  # noqa: N815 - the wire's names
    first_name: str | None = None
    lastName: str | None = None  # noqa: N815
    last_name: str | None = None
    marketingAllowed: Scalar = None  # noqa: N815
    smsMarketingAllowed: Scalar = None  # noqa: N815
    doubleOptin: Scalar = None  # noqa: N815
    double_optin_required: Scalar = None
    accepts_marketing: Scalar = None
    accepts_sms_marketing: Scalar = None
    tags: list[Any] | str | None = None
    properties: dict[str, Any] | None = None


class Contact(NamedTuple):
    """A contact, read. `customer` is the document to record; the wishes are what asks for a confirmation."""

    email: str | None
    phone: str | None
    customer_id: str | None
    customer: dict[str, Any]
    wishes_mail: bool
    wishes_texts: bool
    double_optin: bool | None
    """What the sender says of confirmation; None: nothing."""


def read_contact(body: bytes, sender: Sender, findings: Findings, *, form: bool) -> Contact:
    """The contact in a body. `form`: a sign-up, whose `accepts_marketing` is the person's own word; in an import it
    is what the shop has on record. Raises `BadRequest` for what is no JSON object."""
    document = fit(json_object(body), Said, findings)
    said = msgspec.convert(document, Said)
    email = address(said.email, ("email",), findings) if said.email else None
    number = _phone(said, sender, findings)
    if email is None and number is None and not findings.refusals:
        findings.refuse("email" if said.email or not _number_said(said) else "sms_phone_number", NOBODY)
    customer_id = member(said.id, "id", findings)
    if customer_id is not None and sender.keyless:
        findings.remark("id", NOT_A_PAGES_WORD)
        customer_id = None
    double = flag(said.double_optin_required if said.doubleOptin is None else said.doubleOptin)
    mail, texts = _preferences(said, double)
    if mail is True and email is None:
        findings.fault("marketingAllowed", "is true without an email address; not used")
        mail = None
    if texts is True and number is None:
        findings.fault("smsMarketingAllowed", "is true without a phone number; not used")
        texts = None
    if mail is None and texts is None and double is False:
        findings.remark("doubleOptin", "is false, but marketingAllowed is not said; no wish was recorded")
    customer = fit(_customer(said, document, email, number, customer_id), Customer, findings)
    wishes_mail = mail is True and (form or double is not None or said.marketingAllowed is not None)
    wishes_texts = texts is True and (form or double is not None or said.smsMarketingAllowed is not None)
    if mail is not None and not wishes_mail:
        customer["accepts_marketing"] = mail
    if texts is not None and not wishes_texts:
        customer["accepts_sms_marketing"] = texts
    return Contact(email, number, customer_id, customer, wishes_mail, wishes_texts, double)


def _preferences(said: Said, double: bool | None) -> tuple[bool | None, bool | None]:
    """What is said of mail and of texts. Who only says that a confirmation is to be asked for wishes mail."""
    mail, texts = flag(said.marketingAllowed), flag(said.smsMarketingAllowed)
    mail = flag(said.accepts_marketing) if mail is None else mail
    texts = flag(said.accepts_sms_marketing) if texts is None else texts
    if mail is None and texts is None and double:
        mail = True
    return mail, texts


def _phone(said: Said, sender: Sender, findings: Findings) -> str | None:
    """The number in E.164; a national one is of the country that is named, else of the account's."""
    if said.sms_phone_number is None:
        return phone(said.sms_phone_number_e164, "sms_phone_number_e164", findings, country=sender.country)
    region = country_code(said.sms_country_code)
    if said.sms_country_code and not region:
        findings.fault("sms_country_code", "is no country code of two letters, as US is; not used")
    return phone(said.sms_phone_number, "sms_phone_number", findings, region=region, country=sender.country)


def _number_said(said: Said) -> bool:
    return text_id(said.sms_phone_number) is not None or text_id(said.sms_phone_number_e164) is not None


def _customer(
    said: Said, document: dict[str, Any], email: str | None, number: str | None, customer_id: str | None
) -> dict[str, Any]:
    """The customer of S3 that this contact is; what is not said is not in it, so that it changes nothing."""
    others = {name: value for name, value in document.items() if name not in Said.__struct_fields__}
    known = {
        "id": said.id if customer_id is not None else None,
        "email": email,
        "sms_phone_number_e164": number,
        "first_name": said.first_name if said.firstName is None else said.firstName,
        "last_name": said.last_name if said.lastName is None else said.lastName,
        "tags": said.tags,
        **_properties(said.properties or {}),
    }
    return {name: value for name, value in (others | known).items() if value is not None and value != ""}


_PROPERTIES = {"company": "company", "birth_date": "birthdate", "gender": "gender"}
_ADDRESS = {
    "country": "country",
    "state": "region",
    "city": "city",
    "zipCode": "zip",
    "address": "street",
    "phone": "phone",
}
"""v1's `properties`, and where S3's customer has them (S3, "customers/create")."""


def _properties(said: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place: dict[str, Any] = {}
    more: dict[str, Any] = {}
    for name, value in said.items():
        if value is None or value == "":
            continue
        if name in _ADDRESS and isinstance(value, str | int | float):
            place[_ADDRESS[name]] = str(value)
        elif name in _PROPERTIES and isinstance(value, str | int | float):
            found[_PROPERTIES[name]] = str(value)
        elif name == "rewardsPoints":
            found["rewards"] = {"points": value}
        else:
            more[name] = value
    country = place.get("country", "")
    if len(country) == 2 and country.isalpha():
        place["country_code"] = place.pop("country").upper()
    return found | ({"default_address": place} if place else {}) | ({"properties": more} if more else {})
