"""Is this a picture? What the bytes are decides, never what a header or a name says.

PNG, JPEG, GIF (animated too) and WebP are decoded whole, within limits, and then passed on as they came; SVG, which
no mail client draws, becomes a PNG (PER-13). Hostile bytes can cost time and memory here and can bring down a decoder:
call `isolated.check`, which does this in a process of its own.
"""

from __future__ import annotations

import io
import warnings

from PIL import Image

from heliograph.outbound.images.sources import vector
from heliograph.outbound.images.sources.picture import (
    ANIMATION_PIXELS,
    FRAMES,
    SOURCE_BYTES,
    Picture,
    PictureType,
    Unusable,
    oversized,
)

TYPES: tuple[tuple[str, PictureType, bytes, bytes], ...] = (
    ("PNG", "image/png", b"\x89PNG\r\n\x1a\n", b""),
    ("JPEG", "image/jpeg", b"\xff\xd8\xff", b""),
    ("GIF", "image/gif", b"GIF8", b""),
    ("WEBP", "image/webp", b"RIFF", b"WEBP"),
)
"""Pillow's name, the media type, the first bytes, and the four at offset 8."""


def check(body: bytes) -> Picture | Unusable:
    """The picture that these bytes are, or why they are none."""
    if len(body) > SOURCE_BYTES:
        return Unusable(f"has more than {SOURCE_BYTES // 1024 // 1024} MiB")
    for decoder, type_, magic, at_eight in TYPES:
        if body.startswith(magic) and body[8:12].startswith(at_eight):
            return _raster(decoder, type_, body)
    if vector.looks_like_xml(body):
        return vector.rasterised(body)
    return Unusable("is not a PNG, JPEG, GIF, WebP or SVG picture")


def _raster(decoder: str, type_: PictureType, body: bytes) -> Picture | Unusable:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning: the limit below is lower
            image = Image.open(io.BytesIO(body), formats=[decoder])
        with image:
            fault = oversized(*image.size) or _decoded(image)
            return fault or Picture(type_, *image.size, body)
    except Image.DecompressionBombError:
        return Unusable("is larger than any picture that is decoded")
    except MemoryError:
        return Unusable("needs more memory than a picture may")
    except Exception as error:  # decoders raise nearly everything on broken input
        return Unusable(f"cannot be decoded: {error}")


def _decoded(image: Image.Image) -> Unusable | None:
    """Decode every frame, and say what is wrong with them."""
    frames = getattr(image, "n_frames", 1)
    if frames > FRAMES or frames * image.width * image.height > ANIMATION_PIXELS:
        return Unusable(
            f"has {frames} frames; the most is {FRAMES}, and {ANIMATION_PIXELS // 1_000_000} megapixels in all"
        )
    for frame in range(frames):
        image.seek(frame)
        image.load()
    return None
