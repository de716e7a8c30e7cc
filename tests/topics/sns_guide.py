"""What a subscriber does, written from Amazon's guide alone: checking a message's signature with the certificate that it
names. Nothing of ours is used.

"Verifying the signatures of Amazon SNS messages": take the certificate at SigningCertURL, extract its public key; build
the string of names and values, each followed by a line break, in byte order of the names; decode the signature from base64;
version 1 is SHA1withRSA, version 2 SHA256withRSA.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NOTIFICATION = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
CONFIRMATION = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]

HOST = r"sns\.[a-zA-Z0-9\-]{3,}\.amazonaws\.com(\.cn)?"
"""Amazon's own hosts, as validators have them; each can be told another (wire-facts 9.1)."""


def string_to_sign(message: dict[str, Any]) -> bytes:
    """The canonical string of the guide."""
    names = NOTIFICATION if message["Type"] == "Notification" else CONFIRMATION
    return "".join(f"{name}\n{message[name]}\n" for name in names if name in message).encode("utf-8")


def verify(body: bytes, certificate: bytes, scratch: Path) -> dict[str, Any]:
    """The message, if its signature is right: `openssl` says so. Raises AssertionError."""
    message: dict[str, Any] = json.loads(body)
    digest = {"1": "-sha1", "2": "-sha256"}[message["SignatureVersion"]]
    (scratch / "cert.pem").write_bytes(certificate)
    (scratch / "signature").write_bytes(base64.b64decode(message["Signature"], validate=True))
    key = subprocess.run(
        ["openssl", "x509", "-in", "cert.pem", "-pubkey", "-noout"],
        cwd=scratch,
        capture_output=True,
        check=True,
    ).stdout
    (scratch / "key.pem").write_bytes(key)
    done = subprocess.run(
        ["openssl", "dgst", digest, "-verify", "key.pem", "-signature", "signature"],
        cwd=scratch,
        input=string_to_sign(message),
        capture_output=True,
        check=False,
    )
    assert done.stdout == b"Verified OK\n", done.stdout + done.stderr
    return message


def accepted_by_validators(url: str, host: str) -> bool:
    """The rules that real validators have for SigningCertURL (wire-facts 9.1), told our host as each can be: the npm
    package looks at scheme, host and ending, another at the whole name, PyPI's at the beginning."""
    parts = urlsplit(url)
    rules = (
        parts.scheme == "https" and parts.path.endswith(".pem") and re.fullmatch(host, parts.netloc),
        re.fullmatch(rf"https://{host}/SimpleNotificationService-[a-zA-Z0-9]{{32}}\.pem", url),
        re.match(rf"^https://{host}/", url),
    )
    return all(rules)
