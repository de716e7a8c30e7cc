"""Signed references: what goes out in a URL and comes back when it is used.

`outbound.messages` writes them; `inbound.tracking`, `inbound.consent`, `inbound.receipts`, `outbound.images` and the web copy read them. A reference is
self-contained (account, message, person, and a click's destination), so that the hot path looks nothing
up and clicks redirect while every database is down. It carries no PII: people are random ids.

Wire form: base64url without padding of `key id (1) | account (6, its twelve digits as BCD) | message (16) |
person (16) | flags (1) | a click's link, name and destination | MAC (16)`. The MAC is keyed BLAKE2b of 128 bits
(RFC 7693 section 2.9; half the time of HMAC-SHA256) over everything before it, under a key of that purpose alone,
so a pixel's reference can never be used to unsubscribe somebody. One kind is sealed instead (AES-256-GCM, NIST SP
800-38D): what leads from one look at an open to the next, since its subject may be an address that a foreign sender wrote.

What stands in a return path (VERP) is shorter and has no case, for mail servers change it and a local part has 64 octets
(RFC 5321 4.5.3.1.1): base32 of `key id (1) | account (6) | message (16) | MAC (12)`, 56 letters and digits.
"""

from __future__ import annotations

import os
import re
import struct
from base64 import b32decode, b32encode
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from heliograph.signing import Keyring

SHORT_CHARACTERS = 10
"""Of a short link: 59 bits, so that nobody finds one by trying (a thousand a second meet one of a million links in 27 years)."""
_SHORT_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MAC_BYTES = 16
BOUNCE_MAC_BYTES = 12
BOUNCE_CHARACTERS = 56
_BOUNCE = re.compile(r"(?<![a-z0-9])[a-z2-7]{56}(?![a-z0-9])", re.ASCII | re.IGNORECASE)
NONCE_BYTES = 12
HEAD_BYTES = 40  # key id, account, message, person, flags
_LINK = struct.Struct(">H")
_TO_URL = bytes.maketrans(b"+/", b"-_")
AGGREGATE = 2  # flag: counted among many; neither message nor visitor may be tied to anybody (STD-7)
ONLY_TOPIC = 4  # flag: who unsubscribes by it leaves the topic of the message, and nothing else
WEB_COPY = 1  # flag: the message was looked at as a web page, not in a mail client
NOBODY = "0" * 32  # the person of a message whose recipient gave no tracking consent (STD-7)


class ForgedRef(ValueError):
    """The reference was not made by us, was altered, or its key was retired."""


class MessageRef(NamedTuple):
    """Which message, to whom; `person` is None where the message must not be tied to one. `aggregate`: `message`
    stands for many messages, and who visits is not recorded. `only_topic`: the message is about a subscription topic, and
    who unsubscribes by this reference leaves that alone."""

    account: str
    message: str
    person: str | None
    web_copy: bool = False
    aggregate: bool = False
    only_topic: bool = False


class ClickRef(NamedTuple):
    """A link of a message: its place, its name (may be empty), and where it leads."""

    message: MessageRef
    link: int
    name: str
    url: str


class LookRef(NamedTuple):
    """How often somebody was seen looking at an open, `look` times from 0: the open's event, whose it is, when it
    began (microseconds), and what it was an open of."""

    look: int
    event: str
    account: str
    subject: str
    at: int
    message: str | None
    campaign: str | None


class Refs:
    """Makes and opens references with the keyring of each purpose. Errors: `ForgedRef`."""

    def __init__(self, master: Keyring) -> None:
        self.rekey(master)

    def rekey(self, master: Keyring) -> None:
        """Use another master from now on: after a rotation, without a restart."""
        self._open = master.purpose("open")
        self._click = master.purpose("click")
        self._unsubscribe = master.purpose("unsubscribe")
        self._confirm = master.purpose("confirm")
        self._image = master.purpose("image")
        self._bounce = master.purpose("bounce")
        self._short = master.purpose("short")
        looks = master.purpose("look")
        self._look = {kid: AESGCM(key) for kid, key in looks.keys.items()}
        self._look_now = looks.current
        self._web_copy = master.purpose("web copy")

    def open(self, ref: MessageRef) -> str:
        """The token of a message's open pixel."""
        return _seal(self._open, _pack(self._open.current, ref))

    def read_open(self, token: str) -> MessageRef:
        """What a pixel's token says."""
        return _unpack(_verify(self._open, token))

    def click(self, ref: ClickRef) -> str:
        """The token of one link; its length grows with the destination."""
        name = ref.name.encode()[:255]
        body = _pack(self._click.current, ref.message) + _LINK.pack(ref.link)
        return _seal(self._click, body + bytes((len(name),)) + name + ref.url.encode())

    def read_click(self, token: str) -> ClickRef:
        """What a click's token says."""
        body = _verify(self._click, token)
        try:
            start = HEAD_BYTES + _LINK.size
            (link,) = _LINK.unpack_from(body, HEAD_BYTES)
            split = start + 1 + body[start]
            name, url = body[start + 1 : split].decode("utf-8", "ignore"), body[split:].decode()
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ForgedRef("the reference has another shape") from error
        return ClickRef(_unpack(body[:HEAD_BYTES]), link, name, url)

    def unsubscribe(self, ref: MessageRef) -> str:
        """The token of a message's unsubscribe link (RFC 8058)."""
        return _seal(self._unsubscribe, _pack(self._unsubscribe.current, ref))

    def read_unsubscribe(self, token: str) -> MessageRef:
        """What an unsubscribe token says."""
        return _unpack(_verify(self._unsubscribe, token))

    def confirm(self, ref: MessageRef) -> str:
        """The token of the link in a double opt-in mail."""
        return _seal(self._confirm, _pack(self._confirm.current, ref))

    def read_confirm(self, token: str) -> MessageRef:
        """What a confirmation token says."""
        return _unpack(_verify(self._confirm, token))

    def image(self, ref: MessageRef) -> str:
        """What a live picture's URL says of the message that it stands in (`slots.REFERENCE`)."""
        return _seal(self._image, _pack(self._image.current, ref))

    def read_image(self, token: str) -> MessageRef:
        """What a live picture's token says."""
        return _unpack(_verify(self._image, token))

    def web_copy(self, ref: MessageRef) -> str:
        """The token of the page that shows a message on the web."""
        return _seal(self._web_copy, _pack(self._web_copy.current, ref))

    def read_web_copy(self, token: str) -> MessageRef:
        """What the token of such a page says."""
        return _unpack(_verify(self._web_copy, token))

    def bounce(self, account: str, message: str) -> str:
        """What stands in the return path of a message."""
        body = bytes.fromhex(f"{self._bounce.current:02x}{account}{message.replace('-', '')}")
        return b32encode(body + _mac(self._bounce.key, body, BOUNCE_MAC_BYTES)).decode().lower()

    def read_bounce(self, address: str) -> MessageRef:
        """The message whose return path this address is, whatever stands around the reference."""
        found = _BOUNCE.search(address)
        if found is None:
            raise ForgedRef("there is no reference in it")
        raw = b32decode(found[0].upper())
        body = raw[:-BOUNCE_MAC_BYTES]
        key = self._bounce.keys.get(body[0])
        if key is None or not compare_digest(_mac(key, body, BOUNCE_MAC_BYTES), raw[-BOUNCE_MAC_BYTES:]):
            raise ForgedRef("the reference's signature is wrong")
        return MessageRef(body[1:7].hex(), _uuid(body[7:].hex()), None)

    def short(self, message: str, link: int) -> str:
        """What stands behind `/s/` for a link of a message: the same each time, and nothing can be read from it. What it
        stands for is in state (`react.state.short_links`): there is no room for it in a text."""
        number = int.from_bytes(_mac(self._short.key, f"{message} {link}".encode()), "big")
        letters = []
        for _ in range(SHORT_CHARACTERS):
            number, place = divmod(number, len(_SHORT_ALPHABET))
            letters.append(_SHORT_ALPHABET[place])
        return "".join(letters)

    def look(self, ref: LookRef) -> str:
        """The token of the next look at an open."""
        head, nonce = bytes((self._look_now,)), os.urandom(NONCE_BYTES)
        sealed = self._look[self._look_now].encrypt(nonce, _to_msgpack(ref), head)
        return _to_text(head + nonce + sealed)

    def read_look(self, token: str) -> LookRef:
        """What a look's token says."""
        raw = _from_text(token)
        head, nonce, sealed = raw[:1], raw[1 : 1 + NONCE_BYTES], raw[1 + NONCE_BYTES :]
        cipher = self._look.get(raw[0]) if len(sealed) >= MAC_BYTES else None
        if cipher is None:
            raise ForgedRef("the reference has another shape")
        try:
            return _look(cipher.decrypt(nonce, sealed, head))
        except InvalidTag as error:
            raise ForgedRef("the reference's signature is wrong") from error


_to_msgpack = msgspec.msgpack.Encoder().encode
_look = msgspec.msgpack.Decoder(LookRef).decode


@lru_cache(maxsize=8)  # a mail carries a dozen references of its message, one after the other
def _pack(kid: int, ref: MessageRef) -> bytes:
    person = ref.person.replace("-", "") if ref.person else NOBODY
    flags = (WEB_COPY if ref.web_copy else 0) | (AGGREGATE if ref.aggregate else 0)
    flags |= ONLY_TOPIC if ref.only_topic else 0
    return bytes.fromhex(f"{kid:02x}{ref.account}{ref.message.replace('-', '')}{person}{flags:02x}")


def _unpack(body: bytes) -> MessageRef:
    if len(body) != HEAD_BYTES:
        raise ForgedRef("the reference has another shape")
    text = body.hex()
    person = text[46:78]
    return MessageRef(
        text[2:14],
        _uuid(text[14:46]),
        None if person == NOBODY else _uuid(person),
        body[39] & WEB_COPY == WEB_COPY,
        body[39] & AGGREGATE == AGGREGATE,
        body[39] & ONLY_TOPIC == ONLY_TOPIC,
    )


def _uuid(text: str) -> str:
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _seal(keyring: Keyring, body: bytes) -> str:
    return _to_text(body + _mac(keyring.key, body))


def _to_text(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_TO_URL).rstrip(b"=").decode()


def _from_text(token: str) -> bytes:
    try:
        # Two replaces take a tenth of what `str.translate` takes, and this is the hottest path there is.
        text = token.replace("-", "+").replace("_", "/")
        return a2b_base64(text + "=" * (-len(token) % 4), strict_mode=True)
    except (Base64Error, ValueError) as error:
        raise ForgedRef("the reference is not base64url") from error


def _verify(keyring: Keyring, token: str) -> bytes:
    raw = _from_text(token)
    body = raw[:-MAC_BYTES]
    key = keyring.keys.get(body[0]) if body else None
    if key is None or not compare_digest(_mac(key, body), raw[-MAC_BYTES:]):
        raise ForgedRef("the reference's signature is wrong")
    return body


def _mac(key: bytes, body: bytes, size: int = MAC_BYTES) -> bytes:
    return blake2b(body, key=key, digest_size=size).digest()
