"""Signatures of topics' messages (SNS-3): RSA takes a millisecond, so a message is signed once, however many want it and
however often it is tried.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from heliograph.accounts.certificates import Certificate
from heliograph.aws.signed import signed_text
from heliograph.outbound.topics import notices

REMEMBERED = 8_192
"""Signatures kept: those of the messages that are being told now; 3 MB."""


class Signer:
    """Signs as one sender: its certificate, and where receivers find that."""

    def __init__(self, certificate: Certificate, base_url: str) -> None:
        self._key = certificate.key
        self._url = notices.certificate_url(base_url, certificate.id)
        self._kept: OrderedDict[tuple[str, bytes], str] = OrderedDict()

    def signed(self, message: Mapping[str, Any], version: str) -> dict[str, Any]:
        """The message with its signature. `version` `1` is SHA1withRSA, `2` SHA256withRSA."""
        return {
            **message,
            "SignatureVersion": version,
            "Signature": self._signature(signed_text(message), version),
            "SigningCertURL": self._url,
        }

    def _signature(self, text: bytes, version: str) -> str:
        place = (version, blake2b(text, digest_size=16).digest())
        found = self._kept.get(place)
        if found is None:
            found = self._kept[place] = self._key.sign_base64(text, "sha256" if version == "2" else "sha1")
            if len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        return found
