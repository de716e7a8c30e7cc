"""A line of text -> runs of one face and one direction, in the order in which they are seen.

Direction by the Unicode bidirectional algorithm (UAX #9, python-bidi); faces by what has the characters, a letter and its
marks from one face. The caller's fault, named: characters that no installed font has. `line` shapes and draws the runs.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from bidi import algorithm

from heliograph.errors import Undrawable
from heliograph.outbound.images.lettering.families import Face, chain, typeface

ZWNJ, ZWJ = "\u200c", "\u200d"
_ISOLATES = {0x2066: 0x202A, 0x2067: 0x202B, 0x2068: None, 0x2069: 0x202C}
"""python-bidi knows embeddings but no isolates; for one line they differ only in what stands around them."""
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Run(NamedTuple):
    """Characters in logical order that are drawn with one face in one direction; an odd level is right to left."""

    text: str
    face: Face
    level: int


def visual_runs(text: str, family: str, *, bold: bool) -> list[Run]:
    """The runs of one line from left to right. Errors: Undrawable, naming the characters that no font has."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    faces = chain(family, bold=bold, text=text)
    runs: list[Run] = []
    missing: dict[str, None] = {}
    for cluster, level in _clusters(_levels(text)):
        face = (
            runs[-1].face if runs and cluster == " " and _has(runs[-1].face, " ") else _face(cluster, faces)
        )
        if face is None:
            missing.update(dict.fromkeys(cluster))
        elif runs and (runs[-1].face, runs[-1].level) == (face, level):
            runs[-1] = Run(runs[-1].text + cluster, face, level)
        else:
            runs.append(Run(cluster, face, level))
    if missing:
        named = ", ".join(f"{character} (U+{ord(character):04X})" for character in list(missing)[:10])
        hint = " Chinese, Japanese and Korean need the extra `cjk`." if any(map(_is_cjk, missing)) else ""
        raise Undrawable(f"No font is installed for: {named}.{hint}")
    return _as_seen(runs)


def _levels(text: str) -> list[tuple[str, int]]:
    """Each character and its embedding level (UAX #9, P2 to I2)."""
    level = algorithm.get_base_level(text)
    storage = algorithm.get_empty_storage()
    storage["base_level"], storage["base_dir"] = level, "LR"[level]
    algorithm.get_embedding_levels(text.translate(_ISOLATES), storage)
    algorithm.explicit_embed_and_overrides(storage)
    algorithm.resolve_weak_types(storage)
    algorithm.resolve_neutral_types(storage, False)
    algorithm.resolve_implicit_levels(storage, False)
    return [(character["ch"], character["level"]) for character in storage["chars"]]


def _clusters(characters: list[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    """A character with the marks, joiners, variation selectors and joined emoji that follow it."""
    cluster, level = "", 0
    for character, own in characters:
        if cluster and (_extends(character) or cluster[-1] == ZWJ):
            cluster += character
            continue
        if cluster:
            yield cluster, level
        cluster, level = character, own
    if cluster:
        yield cluster, level


def _extends(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Cf") or ord(character) in _SKIN_TONES


def _face(cluster: str, faces: tuple[Face, ...]) -> Face | None:
    needed = [character for character in cluster if not _invisible(character)]
    return next((face for face in faces if all(_has(face, character) for character in needed)), None)


def _has(face: Face, character: str) -> bool:
    return typeface(face).get_nominal_glyph(ord(character)) is not None


def _invisible(character: str) -> bool:
    """Joiners, direction marks and variation selectors: HarfBuzz obeys and hides them, no font need have them."""
    return unicodedata.category(character) == "Cf" or 0xFE00 <= ord(character) <= 0xFE0F


def _is_cjk(character: str) -> bool:
    return unicodedata.name(character, "").startswith(("CJK ", "HIRAGANA ", "KATAKANA ", "HANGUL "))


def _as_seen(runs: list[Run]) -> list[Run]:
    """Reorder for display (UAX #9, rule L2): from the highest level down, turn around what is at least as high."""
    for level in range(max((run.level for run in runs), default=0), 0, -1):
        first = 0
        while first < len(runs):
            last = first
            while last < len(runs) and runs[last].level >= level:
                last += 1
            runs[first:last] = runs[first:last][::-1]
            first = max(last, first + 1)
    return runs
