"""The MD5 digests by which SDKs check that a message arrived whole (SQS-4; SQS guide, "message metadata").

They guard against accidents, not against anybody: MD5 is what the protocol says.
"""

from __future__ import annotations

import hashlib
import struct
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

Attribute = Mapping[str, Any]
"""`DataType` with `StringValue` or `BinaryValue` (base64)."""


def body_digest(body: str) -> str:
    """Of the body's UTF-8 bytes."""
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def attributes_digest(attributes: Mapping[str, Attribute]) -> str:
    """Of message attributes: sorted by name; each name, type and value with its length before it, and a byte that
    says text or binary before the value."""
    digest = hashlib.md5(usedforsecurity=False)
    for name in sorted(attributes):
        attribute = attributes[name]
        kind = attribute["DataType"]
        for part in (name.encode(), kind.encode()):
            digest.update(struct.pack(">I", len(part)) + part)
        binary = kind.startswith("Binary")
        value = b64decode(attribute["BinaryValue"]) if binary else attribute["StringValue"].encode()
        digest.update((b"\x02" if binary else b"\x01") + struct.pack(">I", len(value)) + value)
    return digest.hexdigest()
