"""The families that a picture may name (S2: `font`), and the fonts that stand behind them for other scripts.

The eleven come as packages with their licences; nothing is fetched. What a family lacks is taken from Noto, in the
order of `chain`: first Noto Sans (Latin, Greek, Cyrillic, Vietnamese), then one font per script, symbols, emoji in one
colour, and Chinese, Japanese and Korean where the extra `cjk` is installed. A `Face` is one of these at one weight;
`runs` picks faces per character.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import NamedTuple

import fontpkg
import uharfbuzz as hb

BOLD = 700
REGULAR = 400
DEFAULT = "Open Sans"


class Family(NamedTuple):
    """A family by the name S2 gives it, with its licence (SPDX)."""

    name: str
    licence: str = "OFL-1.1"

    def path(self, weight: int) -> Path:
        """The file that has this weight: a static one, or the variable one that is set to it."""
        return Path(fontpkg.path(self.name, weight))


FAMILIES = (
    Family("Montserrat"),
    Family("Open Sans"),
    Family("Roboto"),
    Family("Lato"),
    Family("Poppins"),
    Family("Noto Sans"),
    Family("Source Serif 4"),
    Family("Lora"),
    Family("PT Serif"),
    Family("Noto Serif"),
    Family("Roboto Slab", "Apache-2.0"),
)
"""S2:L116, in its order. Lato, Lora and PT Serif are reserved names: their files are the unmodified ones."""

BY_NAME = {family.name: family for family in FAMILIES}

SCRIPTS = (
    "Hebrew", "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Kannada",
    "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai", "Symbols",
)  # fmt: skip
"""The scripts that have a Noto font of their own, asked in this order."""

JAPANESE, KOREAN, CHINESE = 0, 1, 2
"""Faces in the file of Noto Sans CJK: the same characters, drawn as each country draws them."""


class Face(NamedTuple):
    """One font at one weight; `place` counts the fonts of a file that holds several."""

    path: Path
    weight: int
    place: int = 0


def chain(family: str, *, bold: bool, text: str) -> tuple[Face, ...]:
    """The faces to try for a character of this text, in order. Errors: KeyError for a family that there is not."""
    return _chain(family, BOLD if bold else REGULAR, _drawn_as(text))


@lru_cache(maxsize=128)
def typeface(face: Face) -> hb.Font:
    """The face ready for shaping, in units of its own; made once."""
    font = hb.Font(hb.Face(hb.Blob.from_file_path(str(face.path)), face.place))
    font.set_variations({"wght": float(face.weight)})  # a static font has no such axis and ignores it
    return font


@lru_cache(maxsize=2 * len(FAMILIES) * 3)
def _chain(family: str, weight: int, cjk: int) -> tuple[Face, ...]:
    noto = _installed("manimgx-fonts", "manimgx_fonts")
    own = [Face(BY_NAME[name].path(weight), weight) for name in (family, "Noto Sans")]
    scripts = [Face(noto / f"NotoSans{script}[wght].ttf", weight) for script in SCRIPTS]
    faces = (*own, *scripts, Face(noto / "NotoEmoji[wght].ttf", weight))
    try:
        asian = _installed("manimgx-fonts-cjk", "manimgx_fonts_cjk") / "NotoSansCJK-VF.otf.ttc"
    except PackageNotFoundError:
        return faces
    return (*faces, Face(asian, weight, cjk))


def _drawn_as(text: str) -> int:
    """Which of the CJK faces: kana make it Japanese, hangul Korean; otherwise as on the mainland."""
    if any("\u3040" <= character <= "\u30ff" for character in text):
        return JAPANESE
    return KOREAN if any("\uac00" <= character <= "\ud7a3" for character in text) else CHINESE


def _installed(package: str, folder: str) -> Path:
    return Path(str(distribution(package).locate_file(folder)))
