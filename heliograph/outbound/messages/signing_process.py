"""A process that signs, and does nothing else: keys and digests in, signatures out.

An RSA signature is as much work as everything else that is done for a mail but its rendering. Python runs one thread at a
time: one that signed beside the event loop came back for each signature, and waited for the loop to rest. So it is a
process, which `heliograph.outbound.messages.sealing` starts, feeds and does without when it is not there. It talks over its
standard input, a socket, and ends when that is closed. It has the keys in memory and nothing on disk.
"""

from __future__ import annotations

import signal
import socket
import sys
from collections.abc import Callable

import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

HEAD_BYTES = 4
"""Of a frame: its length, big-endian; then one message in msgpack (`journal.frames`)."""

Signing = Callable[[bytes], bytes]
"""A SHA-256 digest -> its signature."""


class Ask(msgspec.Struct, array_like=True, frozen=True):
    """Sign these digests, each with the key of that number. `keys`: those that were not told before, as PKCS #8 in DER."""

    number: int
    keys: dict[int, bytes]
    digests: list[tuple[int, bytes]]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """The signatures, in the order of the question of that number; number 0: ready for the first."""

    number: int
    signatures: list[bytes]


def signing(private_key: bytes) -> Signing:
    """What signs digests with this key (PKCS #8, DER): by RFC 6376 3.3.1 or RFC 8463 section 3, which both sign a digest.
    Raises TypeError for a key of another kind."""
    private = serialization.load_der_private_key(private_key, None)
    if isinstance(private, rsa.RSAPrivateKey):
        scheme, digested = padding.PKCS1v15(), Prehashed(hashes.SHA256())
        return lambda digest: private.sign(digest, scheme, digested)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return private.sign
    raise TypeError("the key is neither RSA nor Ed25519")


def serve(connection: socket.socket) -> None:
    """Answer until the other end closes."""
    keys: dict[int, Signing] = {}
    _send(connection, Answer(0, []))
    with connection.makefile("rb") as asked:
        while head := asked.read(HEAD_BYTES):
            ask = _decode(asked.read(int.from_bytes(head)))
            keys.update({number: signing(key) for number, key in ask.keys.items()})
            _send(connection, Answer(ask.number, [keys[number](digest) for number, digest in ask.digests]))


def _send(connection: socket.socket, answer: Answer) -> None:
    body = _encode(answer)
    connection.sendall(len(body).to_bytes(HEAD_BYTES) + body)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ask).decode


if __name__ == "__main__":
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # from a shell it comes to all; whoever started this one ends it
    with socket.socket(fileno=sys.stdin.fileno()) as standard_input:
        serve(standard_input)
