"""The signature, held against verifiers that share no code with us. RM-14"""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess

import pytest

from heliograph.outbound.feeds.dialects.remarkety import sign
from heliograph.outbound.feeds.verification import genuine

SECRET = "whsec-Zürich & co"
BODY = '{"email":"john@doe.com","campaign_name":"Lead gen #3 Ω"}'.encode()
HEADER = "X-Event-Hmac-SHA256"


def by_hand(secret: bytes, body: bytes) -> bytes:
    """RFC 2104 section 2 with hashlib alone: H(K xor opad, H(K xor ipad, text))."""
    key = (hashlib.sha256(secret).digest() if len(secret) > 64 else secret).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + body).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()


@pytest.mark.parametrize("secret", ["s", SECRET, "k" * 64, "k" * 65, "k" * 200])
@pytest.mark.parametrize("body", [b"", BODY, b"\x00\xff" * 5000])
def test_it_is_the_base64_of_the_php_sample(secret: str, body: bytes) -> None:
    """`base64_encode(hash_hmac('sha256', $data, SHARED_SECRET, true))`"""
    assert sign(secret, body, "base64") == {HEADER: base64.b64encode(by_hand(secret.encode(), body)).decode()}
    assert sign(secret, body, "hex") == {HEADER: by_hand(secret.encode(), body).hex()}


def test_it_is_what_rfc_4231_computes() -> None:
    """RFC 4231 section 4.3: key "Jefe"."""
    expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign("Jefe", b"what do ya want for nothing?", "hex") == {HEADER: expected}


def test_it_is_what_openssl_computes() -> None:
    openssl = shutil.which("openssl")
    assert openssl, "install openssl: this test asks it for its opinion"
    secret = "0123456789abcdef"
    done = subprocess.run(
        [openssl, "dgst", "-sha256", "-hmac", secret, "-binary"], input=BODY, capture_output=True, check=True
    )
    assert sign(secret, BODY, "base64")[HEADER] == base64.b64encode(done.stdout).decode()


def test_a_receiver_takes_what_we_signed_in_either_form() -> None:
    assert genuine(BODY, sign(SECRET, BODY, "base64")[HEADER], SECRET)
    assert genuine(BODY, sign(SECRET, BODY, "hex")[HEADER], SECRET)


@pytest.mark.parametrize(
    "signature", ["", "x", "=", "ü", "\ud800", "0" * 64, base64.b64encode(bytes(32)).decode()]
)
def test_a_receiver_refuses_everything_else(signature: str) -> None:
    assert not genuine(BODY, signature, SECRET)


def test_a_changed_byte_or_another_secret_is_noticed() -> None:
    signature = sign(SECRET, BODY, "base64")[HEADER]
    assert not genuine(BODY + b" ", signature, SECRET)
    assert not genuine(BODY.replace(b"john", b"jane"), signature, SECRET)
    assert not genuine(BODY, signature, SECRET + "x")
