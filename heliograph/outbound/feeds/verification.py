"""How a receiver checks that a webhook comes from us: for receivers written in Python, and as the rule for others.

The signature is HMAC-SHA256 over the exact bytes of the body, under the bytes of the shared secret as it is
written (`webhook_secret` in credentials.json), in base64 unless the account's policy says hex (RM-14). Check it
before parsing: a body that was parsed and written again has other bytes. It is the check of S3's PHP sample:

    $calculated = base64_encode(hash_hmac('sha256', file_get_contents('php://input'), SHARED_SECRET, true));
    hash_equals($_SERVER['HTTP_X_EVENT_HMAC_SHA256'], $calculated);

and on a command line, for a body kept in a file:

    openssl dgst -sha256 -hmac "$SECRET" -binary body.json | base64

Answer 2xx within 5 seconds, then work. Anything slower and any 5xx comes again for about two hours, with the same
body, the same signature and the same `X-Heliograph-Event`: keep that id for a day and let repeats pass. A 3xx or
4xx does not come again by itself. Deliveries may overtake one another; `timestamp` tells the order of things.
"""

from __future__ import annotations

from heliograph.signing import mac_base64, mac_hex, same


def genuine(body: bytes, signature: str, secret: str) -> bool:
    """Whether `signature` (the header X-Event-Hmac-SHA256, base64 or hex) belongs to these bytes, in constant time."""
    key, given = secret.encode(), signature.strip().encode("utf-8", "replace")
    return same(given, mac_base64(key, body).encode()) or same(given, mac_hex(key, body).encode())
