"""Whose fact an event is: canonical references to people, their addresses, phones and devices.

A subject is `scheme:value`. Everything one person did is found by the references that state knows of
them (`person:`, `email:`, `customer:`, `phone:`, `device:`); what belongs to no person has the reference
of its object (`product:`, `cart:`, `order:`, `job:`, `account:`).
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna


def email(address: str, *, keep_case: bool = False) -> str:
    """The reference of an e-mail address. The domain compares without case, always (RFC 5321 section 2.4);
    the local part by the account's policy: without case unless `keep_case`."""
    return "email:" + normal_email(address, keep_case=keep_case)


def normal_email(address: str, *, keep_case: bool = False) -> str:
    """An address in the form in which two spellings of it are equal; no validation. An international domain is in
    its ASCII form, whichever was written (RFC 5891, UTS 46); a local part in Unicode's composed form (RFC 6532)."""
    address = address.strip()
    if not keep_case and address.isascii():
        return address.lower()
    local, at, domain = address.rpartition("@")
    domain = domain.lower() if domain.isascii() else ascii_domain(domain)
    if not local.isascii():
        local = unicodedata.normalize("NFC", local)
    return (local if keep_case else local.lower()) + at + domain


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """A domain in its ASCII form, in lower case; one that has none stays as it is."""
    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except (idna.IDNAError, UnicodeError):
        return domain.lower()


def spoken_domain(address: str) -> str:
    """An address with its domain as people write it: `x@xn--bcher-kva.example` as `x@b\u00fccher.example`."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        return local + at + idna.decode(domain)
    except (idna.IDNAError, UnicodeError):
        return address


def customer(customer_id: str) -> str:
    """The shop's own number of a customer."""
    return f"customer:{customer_id}"


def phone(e164: str) -> str:
    """A phone number in E.164 (`+15551234567`)."""
    return f"phone:{e164}"


def device(token: str) -> str:
    """A push token or device id."""
    return f"device:{token}"


def reached(channel: str, address: str) -> str:
    """Who is reached at an address (in normal form) on a channel: mail, texts, or push messages."""
    scheme = {"email": "email", "sms": "phone", "push": "device"}[channel]
    return f"{scheme}:{address}"


def person(person_id: str) -> str:
    """A person by our own id."""
    return f"person:{person_id}"


def thing(scheme: str, value: str) -> str:
    """Something that is nobody's: a product, an anonymous cart, a job."""
    return f"{scheme}:{value}"
