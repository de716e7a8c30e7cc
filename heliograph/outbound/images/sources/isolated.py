"""Checking a picture in a process of its own, with a bound on its time and memory.

Decoders are native code, and a drawing of a hundred bytes can ask for hours of blurring, during which the renderer
lets no other Python thread run. So a worker never decodes what came from outside: it hands the bytes to a short-lived
child, and a child that takes too long, takes too much or dies is an unusable picture. One check costs about 0.1 s,
and happens when a source is new or has changed.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

import msgspec

from heliograph.outbound.images.sources.checking import check as check_here
from heliograph.outbound.images.sources.picture import Picture, Unusable

SECONDS = 20.0  # by the clock, for one picture: a busy machine is not the picture's fault
CPU_SECONDS = 5
MEMORY = 1 << 30  # bytes of address space: 16 megapixels a few times over, and the interpreter

_ANSWER: msgspec.msgpack.Decoder[Picture | Unusable] = msgspec.msgpack.Decoder(Picture | Unusable)


def check(body: bytes) -> Picture | Unusable:
    """As `checking.check`, apart. Blocks: call it in a thread."""
    try:
        child = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", __name__], input=body, capture_output=True, timeout=SECONDS, check=False
        )
        return _ANSWER.decode(child.stdout)
    except subprocess.TimeoutExpired:
        return Unusable(f"takes more than {SECONDS:g} s to draw")
    except msgspec.DecodeError:
        return Unusable("takes more time or memory to draw than a picture may")


def main() -> None:
    """The child: bytes in, the verdict out."""
    os.nice(5)  # whoever waits for a picture that is known goes first
    for limit, most in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    sys.stdout.buffer.write(msgspec.msgpack.encode(check_here(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
