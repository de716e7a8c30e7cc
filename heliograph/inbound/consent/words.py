"""What the pages say, in the languages that there are: one file each in `languages`, all with the same names.

Adding a language adds a file; a test holds every one against English. `{sender}`, `{topic}`, `{address}` and `{date}`
are filled in. Operators say things their own way in files (`wording`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from importlib import resources

Words = Mapping[str, str]

DEFAULT = "en"


def _load() -> dict[str, Words]:
    files = resources.files("heliograph.inbound.consent").joinpath("languages").iterdir()
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
        for file in files
        if file.name.endswith(".toml")
    }


LANGUAGES: Mapping[str, Words] = _load()
"""Language -> name -> text."""


def preferred(accept: str, *first: str, among: Collection[str] = LANGUAGES) -> str:
    """The language that somebody reads: of `first` (what is known of them), else of an `Accept-Language` header (RFC 9110
    12.5.4: the heaviest that there is, regions aside), else English."""
    for known in first:
        if (language := _main(known)) in among:
            return language
    ranked = sorted(map(_ranked, accept.split(",")[:30]), key=lambda one: -one[1])
    return next((language for language, weight in ranked if weight > 0 and language in among), DEFAULT)


def _ranked(written: str) -> tuple[str, float]:
    language, _, parameter = written.partition(";")
    try:
        weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
    except ValueError:
        weight = 0.0
    return _main(language), weight if weight == weight else 0.0


def _main(language: str) -> str:
    return language.strip().lower().replace("_", "-").partition("-")[0]
