"""Standard Webhooks (standardwebhooks.com, specification 1.0): the headers by which any of its libraries verifies.

    webhook-id          the event's id: the same on every try and on a replay
    webhook-timestamp   when this try was made, seconds since 1970; receivers refuse what is more than minutes old
    webhook-signature   one or more of `v1,` and `v1a,` with a signature in base64 each, separated by blanks

What is signed is `id.timestamp.body`: with HMAC-SHA256 (`v1`) or Ed25519 (`v1a`).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from heliograph.outbound.feeds.dialect import Scheme
from heliograph.outbound.feeds.secrets import Live, key_bytes
from heliograph.signing import mac_base64

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def headers(schemes: Sequence[Scheme], secrets: Live, id: str, body: bytes, seconds: int) -> dict[str, str]:
    """The three headers. During a rotation there is a signature of each live secret."""
    signed = b"%b.%d.%b" % (id.encode(), seconds, body)
    signatures = []
    if "v1" in schemes:
        signatures += [f"v1,{mac_base64(key_bytes(secret), signed)}" for secret in secrets.all]
    if "v1a" in schemes:
        signatures += [f"v1a,{base64.b64encode(pair.sign(signed)).decode()}" for pair in secrets.pairs]
    return {ID: id, TIMESTAMP: str(seconds), SIGNATURE: " ".join(signatures)}
