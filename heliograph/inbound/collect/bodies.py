"""Bytes from anybody: undone gzip, and certainly JSON that every later reader can decode.

A typed decoder skips what it does not know: it checks the grammar there, but neither the encoding of text nor the
range of numbers. What is recorded is read again by decoders that look at everything, so both are checked here,
and the depth too, because a reader's stack is not ours. The checks cost one pass over the bytes.
"""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec

from heliograph.errors import BadRequest, TooLarge, UnsupportedMedia

DEPTH = 64
"""How deep a body may nest. Documents of shops have five levels."""

UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What msgspec raises for bytes that are not JSON, or not JSON that it can hold."""

_BOM = b"\xef\xbb\xbf"
_GZIP = 16 + zlib.MAX_WBITS  # zlib: expect a gzip header (RFC 1952)

_any = msgspec.json.Decoder()

# Digits become 0, brackets {, and all but these, e, quotes, colons and commas is dropped: what is left shows whether
# a number may be out of range. A number follows a colon, a comma or a bracket, and text a quote: the hex tokens of
# carts are no numbers. A false alarm only costs a second look.
_SKETCH = bytes(
    ord("0") if byte in b"0123456789" else ord("e") if byte in b"eE" else ord("{") if byte in b"{[" else byte
    for byte in range(256)
)
_SKETCH_DROPS = bytes(byte for byte in range(256) if byte not in b'0123456789eE{[:,"')
_BIG_EXPONENT = b"0e000"
_MANY_DIGITS = (
    b"0" * 200
)  # with an exponent of at most 99 such a number has less than 300 digits: it is a double

_STRINGS = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"')
_SQUARE = bytes.maketrans(b"{}", b"[]")
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{}[]")


def inflated(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding. Raises `UnsupportedMedia` for anything but gzip, `TooLarge` above
    `limit` bytes inflated (without inflating more), `BadRequest` for what is no gzip."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedMedia(
            f"Content-Encoding {encoding[:40]!r} is not understood: send gzip, or the body as it is.",
            field="content-encoding",
        )
    inflater = zlib.decompressobj(_GZIP)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise BadRequest("The body is not gzip, though Content-Encoding says so.", field="body") from error
    if len(plain) > limit:
        raise TooLarge(f"The inflated body is over the limit of {limit} bytes. Send fewer events at once.")
    if not inflater.eof or inflater.unused_data:
        raise BadRequest("The gzip body is cut short, or something follows it.", field="body")
    return plain


def without_bom(body: bytes) -> bytes:
    """The body without a byte order mark (RFC 8259 section 8.1 lets a parser ignore one)."""
    return body[len(_BOM) :] if body.startswith(_BOM) else body


def sound(body: bytes) -> None:
    """Check what a typed decoder has not: text is UTF-8, numbers are in range, nesting is bounded.

    `body` has passed a decoder, so its grammar is right. Raises `BadRequest`.
    """
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise not_json(error) from error
    sketch = body.translate(_SKETCH, _SKETCH_DROPS)
    if sketch.count(b"{") > DEPTH and _deep(body):
        raise BadRequest(f"The body nests deeper than {DEPTH} levels.", field="body")
    if _has_big_exponent(sketch) or _MANY_DIGITS in sketch:
        try:
            _any.decode(body)
        except UNDECODABLE as error:
            raise not_json(error) from error


def json_object(body: bytes) -> dict[str, Any]:
    """The body as plain values. Raises `BadRequest` for anything but a sound JSON object."""
    try:
        value = _any.decode(body)
    except UNDECODABLE as error:
        raise not_json(error) from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object: { ... }.", field="body")
    sound(body)
    return value


def not_json(error: Exception) -> BadRequest:
    """The error for bytes that could not be decoded, with the reason."""
    if isinstance(error, RecursionError):
        reason = f"it nests deeper than {DEPTH} levels"
    elif isinstance(error, UnicodeDecodeError):
        reason = f"its text is not UTF-8 (byte {error.start} of a string)"
    elif str(error) == "Input data was truncated":
        reason = "it is empty, ends too early, or holds half a surrogate pair"
    else:
        reason = str(error)
    return BadRequest(f"The body is not JSON that can be read: {reason}.", field="body")


def _has_big_exponent(sketch: bytes) -> bool:
    """Whether a number may have an exponent of three digits or more."""
    at = sketch.find(_BIG_EXPONENT)
    while at >= 0:
        if sketch[: at + 1].rstrip(b"0")[-1:] in (b":", b",", b"{"):
            return True
        at = sketch.find(_BIG_EXPONENT, at + 1)
    return False


def _deep(body: bytes) -> bool:
    """Whether brackets remain when the innermost pairs are taken away DEPTH times."""
    brackets = _STRINGS.sub(b"", body).translate(_SQUARE, _NOT_BRACKETS)
    for _ in range(DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True
