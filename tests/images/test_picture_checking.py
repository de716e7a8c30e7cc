"""What counts as a picture: real ones pass as they are, and everything hostile is a sentence, not a crash."""

from __future__ import annotations

import base64
import io
import os
import struct
import time
import zlib
from pathlib import Path

import pytest
import resvg_py
from PIL import Image

from heliograph.outbound.images.sources import isolated
from heliograph.outbound.images.sources.checking import check
from heliograph.outbound.images.sources.picture import SOURCE_BYTES, Picture, Unusable

SVG = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def encoded(format: str, size: tuple[int, int] = (60, 40), **options: object) -> bytes:
    written = io.BytesIO()
    Image.new("RGB", size, "#C2410C").save(written, format, **options)
    return written.getvalue()


def animation(frames: int, size: tuple[int, int] = (60, 40)) -> bytes:
    written = io.BytesIO()
    images = [Image.new("P", size, number % 256) for number in range(frames)]
    for image in images:
        image.putpalette(bytes(range(256)) * 3)
    images[0].save(written, "GIF", save_all=True, append_images=images[1:], duration=100, optimize=False)
    return written.getvalue()


def spoilt_at_the_end() -> bytes:
    """An animation whose last frame alone cannot be decoded: its code size (GIF89a section 22) is impossible."""
    body = bytearray(animation(4))
    at = body.rindex(b"\x21\xf9\x04") + 8
    assert body[at] == 0x2C
    table = 3 * 2 ** ((body[at + 9] & 7) + 1) if body[at + 9] & 0x80 else 0
    body[at + 10 + table] = 77
    return bytes(body)


def declared(width: int, height: int) -> bytes:
    """A PNG of a few bytes that declares any size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def drawing(inside: str = "", attributes: str = 'width="60" height="40"') -> bytes:
    return f"<svg {SVG} {attributes}>{inside}</svg>".encode()


def pixels(picture: Picture | Unusable) -> Image.Image:
    assert isinstance(picture, Picture), picture
    return Image.open(io.BytesIO(picture.body)).convert("RGBA")


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (encoded("PNG"), "image/png"),
        (encoded("JPEG"), "image/jpeg"),
        (encoded("GIF"), "image/gif"),
        (animation(12), "image/gif"),
        (encoded("WEBP"), "image/webp"),
        (encoded("WEBP", lossless=True), "image/webp"),
    ],
    ids=["png", "jpeg", "gif", "animated gif", "webp", "lossless webp"],
)
def test_a_picture_passes_as_it_came(body: bytes, type_: str) -> None:
    """PER-13: the type is that of the content."""
    assert check(body) == Picture(type_, 60, 40, body)  # type: ignore[arg-type]


def test_an_svg_becomes_a_png() -> None:
    """PER-13: S2:L590 declares image/png for an .svg source."""
    picture = check(drawing('<rect width="30" height="40" fill="#4F46E5"/>'))
    assert isinstance(picture, Picture) and picture.type == "image/png"
    assert (picture.width, picture.height) == (60, 40)
    image = pixels(picture)
    assert image.size == (60, 40)
    assert image.getpixel((10, 20)) == (0x4F, 0x46, 0xE5, 255)
    assert image.getpixel((50, 20)) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="60" height="40"', (60, 40)),
        ('width="60px" height="40px" viewBox="0 0 6 4"', (60, 40)),
        ('viewBox="0 0 24 12"', (24, 12)),
        ('viewBox="0,0,4800,1200"', (1200, 300)),
        ('width="100%" height="100%" viewBox="0 0 24 12"', (24, 12)),
        ('width="48" viewBox="0 0 24 12"', (48, 24)),
        ('height="48" viewBox="0 0 24 12"', (96, 48)),
        ('width="1in" height="72pt"', (96, 96)),
        ('width="25.4mm" height="2.54cm"', (96, 96)),
    ],
)
def test_a_drawing_has_the_size_that_it_declares(attributes: str, size: tuple[int, int]) -> None:
    picture = check(drawing('<rect width="2" height="2"/>', attributes))
    assert isinstance(picture, Picture) and (picture.width, picture.height) == size
    assert pixels(picture).size == size


def test_text_in_a_drawing_is_drawn_whatever_font_it_asks_for() -> None:
    for family in ("Helvetica", "Comic Sans MS", "serif", ""):
        picture = check(drawing(f'<text y="30" font-size="30" font-family="{family}">Ink</text>'))
        assert len(pixels(picture).getcolors(9999) or ()) > 10, family


def test_what_a_still_picture_has_no_use_for_is_left_out() -> None:
    inside = (
        '<script>while(true){}</script><a xlink:href="https://x.test/" onclick="x()"><rect width="60" height="40" '
        'fill="#00FF00" onload="alert(1)"/></a><foreignObject><body xmlns="http://www.w3.org/1999/xhtml">'
        '<img src="http://169.254.169.254/"/></body></foreignObject><animate attributeName="x"/>'
    )
    assert pixels(check(drawing(inside))).getpixel((30, 20)) == (0, 255, 0, 255)


def test_a_picture_inside_a_drawing_is_drawn() -> None:
    data = base64.b64encode(encoded("PNG")).decode()
    inside = f'<image width="60" height="40" xlink:href="data:image/png;base64,{data}"/>'
    assert pixels(check(drawing(inside))).getpixel((30, 20)) == (0xC2, 0x41, 0x0C, 255)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture on this machine that no drawing may show."""
    path = tmp_path / "secret.png"
    path.write_bytes(encoded("PNG"))
    return path


@pytest.mark.parametrize("element", ["image", "feImage", "use", "svg:image", "tref"])
@pytest.mark.parametrize("attribute", ["href", "xlink:href", "l:href"])
@pytest.mark.parametrize(
    "form", ["{}", "file://{}", "../../../../../../..{}", "http://169.254.169.254/", "//x.test/a.png"]
)
def test_a_drawing_that_points_outside_itself_is_refused(
    secret: Path, element: str, attribute: str, form: str
) -> None:
    inside = f'<{element} width="60" height="40" {attribute}="{form.format(secret)}"/>'
    namespaces = 'xmlns:svg="http://www.w3.org/2000/svg" xmlns:l="http://www.w3.org/1999/xlink"'
    found = check(drawing(inside, f'width="60" height="40" {namespaces}'))
    assert found == Unusable("refers to something outside itself; embed it in the file")


@pytest.mark.parametrize(
    "reference",
    [
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/svg+xml,<svg/>",
        "data:text/plain;base64,PHN2Zy8+",
        "data:;base64,AAAA",
        "DATA:image/SVG+xml;base64,PHN2Zy8+",
        " #x",
    ],
)
def test_a_drawing_within_a_drawing_is_refused(reference: str) -> None:
    assert isinstance(
        check(drawing(f'<image href="{reference}"/>'.replace("<svg/>", "&lt;svg/&gt;"))), Unusable
    )


def test_a_renderer_that_is_pointed_at_a_file_would_show_it(secret: Path) -> None:
    """Why the above is needed: the danger is real."""
    inside = f'<image width="60" height="40" href="{secret}"/>'
    shown = Image.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=drawing(inside).decode())))
    assert shown.convert("RGB").getpixel((30, 20)) == (0xC2, 0x41, 0x0C)


@pytest.mark.parametrize(
    "prologue",
    [
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg [<!ENTITY x "lol">]>',
        '<!DOCTYPE svg [<!ENTITY a "lol"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE svg [<!ENTITY % p SYSTEM "http://169.254.169.254/"> %p;]>',
        '<!DOCTYPE svg [<!ATTLIST image href CDATA "file:///etc/passwd">]>',
    ],
)
def test_a_drawing_that_declares_entities_is_refused(prologue: str) -> None:
    found = check(prologue.encode() + drawing("<text>&x;</text>"))
    assert isinstance(found, Unusable) and "entities" in found.reason


def test_the_usual_document_type_is_no_harm() -> None:
    """What drawing programs write; it is not fetched."""
    doctype = (
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">'
    )
    assert isinstance(check(b'<?xml version="1.0"?>' + doctype + drawing("<rect/>")), Picture)
    assert isinstance(check(drawing().decode().encode("utf-16")), Picture)
    assert isinstance(check(b"\xef\xbb\xbf" + drawing()), Picture)
    assert isinstance(check(b"\n  <!-- a drawing -->" + drawing()), Picture)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "is not a PNG"),
        (b"hello", "is not a PNG"),
        (b"<html><body><svg/></body></html>", "is not an SVG"),
        (b"<svg/>", "is not an SVG"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "does not say its size"),
        (b"<svg", "not well-formed"),
        (drawing("&undeclared;"), "not well-formed"),
        (drawing(attributes='width="50000" height="50000"'), "50000 by 50000 pixels"),
        (drawing(attributes='width="9000" height="10"'), "9000 by 10 pixels"),
        (drawing(attributes='viewBox="0 0 1 1e8"'), "pixels"),
        (drawing(attributes='width="1e30" height="1"'), "pixels"),
        (drawing(attributes='width="0" height="10"'), "has no area"),
        (drawing("<g>" * 300 + "</g>" * 300), "within one another"),
        (drawing("<g/>" * 60_000), "50000 elements"),
        (declared(50_000, 50_000), "larger than any"),
        (declared(5_000, 5_000), "5000 by 5000 pixels"),
        (declared(2**31 - 1, 2**31 - 1), "larger than any"),
        (declared(0, 10), ""),
        (encoded("PNG")[:-40], "cannot be decoded"),
        (encoded("JPEG")[:300], "cannot be decoded"),
        (animation(4)[:-200], "cannot be decoded"),
        (spoilt_at_the_end(), "cannot be decoded"),
        (animation(1200, (2, 2)), "has 1200 frames"),
        (encoded("BMP"), "is not a PNG"),
        (encoded("TIFF"), "is not a PNG"),
        (encoded("ICO"), "is not a PNG"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "is not a PNG"),
        (b"GIF89a" + b"\xff" * 100, "cannot be decoded"),
        (b"\x89PNG\r\n\x1a\n" + os.urandom(500), "cannot be decoded"),
        (b"<" + b" " * SOURCE_BYTES, "5 MiB"),
    ],
)
def test_what_is_no_usable_picture_is_a_reason(body: bytes, reason: str) -> None:
    started = time.process_time()
    found = check(body)
    assert isinstance(found, Unusable) and reason in found.reason
    assert time.process_time() - started < 3


def test_a_check_apart_says_the_same() -> None:
    for body in (encoded("PNG"), animation(3), drawing("<rect/>"), b"hello"):
        assert isolated.check(body) == check(body)


@pytest.mark.parametrize(
    "inside",
    [
        '<filter id="f"><feGaussianBlur stdDeviation="90"/><feTurbulence baseFrequency="0.1" numOctaves="99"/></filter>'
        '<rect width="3000" height="3000" filter="url(#f)"/>',
    ],
    ids=["hours of blurring"],
)
def test_a_drawing_that_takes_hours_is_stopped(inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "SECONDS", 1.5)
    found = isolated.check(drawing(inside, 'width="3000" height="3000"'))
    assert found == Unusable("takes more than 1.5 s to draw")


def test_a_child_that_dies_is_an_unusable_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated.sys, "executable", "/bin/false")
    assert isolated.check(encoded("PNG")) == Unusable("takes more time or memory to draw than a picture may")
