"""Pictures for authors: a preview's URL holds what it shows, signed, so that nothing is stored for it.

Any worker can draw a preview, also after a restart; an author who changes a colour a hundred times leaves nothing
behind. A URL is good for a day.
"""

from __future__ import annotations

import base64
import binascii
import struct
import zlib
from typing import Any, NamedTuple

import msgspec

from heliograph.clock import SECOND
from heliograph.outbound.images.kinds import BY_NAME
from heliograph.outbound.images.kinds.kind import Kind
from heliograph.signing import Keyring, mac, same

LIFETIME = 24 * 3600
"""Seconds that a preview's URL is good for."""

PURPOSE = "preview"
_HEAD = struct.Struct(">BQ6s")  # key id, end in seconds since 1970, account (its twelve digits as BCD)
_MAC_BYTES = 16
_SIZE_LIMIT = 64 * 1024
"""Bytes of what a URL holds, unpacked."""


class Sketch(NamedTuple):
    """One preview picture: of which kind, which part of it, with what sample value."""

    account: str
    kind: Kind[Any]
    part: str
    sample: str
    definition: Any


def seal(master: Keyring, sketch: Sketch, now: int) -> str:
    """The token of a preview's URL; `now` in microseconds."""
    keys = master.purpose(PURPOSE)
    said = (sketch.kind.name, sketch.part, sketch.sample, sketch.definition)
    head = _HEAD.pack(keys.current, now // SECOND + LIFETIME, bytes.fromhex(sketch.account))
    body = head + zlib.compress(msgspec.json.encode(said), 9)
    return base64.urlsafe_b64encode(body + mac(keys.key, body)[:_MAC_BYTES]).rstrip(b"=").decode()


def unseal(master: Keyring, token: str, now: int) -> Sketch | None:
    """What a token shows; None where it is not one of ours, or has ended."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        body, tag = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        kid, ends, account = _HEAD.unpack_from(body)
    except (binascii.Error, struct.error, ValueError):
        return None
    key = master.purpose(PURPOSE).keys.get(kid)
    if key is None or not same(mac(key, body)[:_MAC_BYTES], tag) or ends <= now // SECOND:
        return None
    said = zlib.decompressobj().decompress(body[_HEAD.size :], _SIZE_LIMIT)
    name, part, sample, definition = msgspec.json.decode(said, type=tuple[str, str, str, Any])
    kind = BY_NAME[name]
    return Sketch(account.hex(), kind, part, sample, msgspec.convert(definition, kind.definition))
