"""What the pages say and how they look, as operators have it: texts and a frame of their own, over ours.

They stand in a folder: `LANGUAGE.toml` with any of the names that `languages/en.toml` has (a language that we do not speak needs all of
them), and `page.html`, what stands around the texts and the form. A folder in it that is named for an account is for this account alone. All is read
and checked once, when a worker starts; `heliograph check` says what is wrong without starting one.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from heliograph.errors import OperatorError, reason_of
from heliograph.inbound.consent.words import DEFAULT, LANGUAGES, Words
from heliograph.settings import Settings

FOLDER = "pages"
"""In the data directory, where the setting names no other."""
FRAME = "page.html"
PLACES = ("language", "title", "text", "content", "sender", "style")
"""What a frame may show: `{{ title }}`. `content` is the form, `style` our own style sheet."""
NEEDED = ("title", "text", "content")
"""What a frame must show: without them nobody could leave."""

PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_LANGUAGE = re.compile(r"[a-z]{2,3}\.toml")
_ACCOUNT = re.compile(r"\d{12}")


class Wording(NamedTuple):
    """Language -> name -> text, and the frame; without one ours."""

    languages: Mapping[str, Words] = LANGUAGES
    frame: str = ""


OURS = Wording()


class Wordings:
    """What is said to whom: by account, else to everybody."""

    def __init__(self, common: Wording = OURS, own: Mapping[str, Wording] | None = None) -> None:
        self.common = common
        self._own = own or {}

    def of(self, account: str) -> Wording:
        """What an account's recipients see."""
        return self._own.get(account, self.common)


def load_wordings(settings: Settings) -> Wordings:
    """What the folder of the settings holds. Raises `OperatorError`, naming the file and everything that is wrong with it."""
    folder = Path(settings.consent_pages or Path(settings.data, FOLDER))
    if not folder.is_dir():
        if settings.consent_pages:
            raise OperatorError(f"consent_pages: there is no directory {folder}")
        return Wordings()
    common = _wording(folder, OURS)
    accounts = sorted(path for path in folder.iterdir() if path.is_dir() and _ACCOUNT.fullmatch(path.name))
    return Wordings(common, {path.name: _wording(path, common) for path in accounts})


def _wording(folder: Path, below: Wording) -> Wording:
    languages, frame = dict(below.languages), below.frame
    for path in sorted(folder.iterdir()):
        if path.name == FRAME:
            frame = _read(path)
            faults = list(_faults_of_frame(frame))
        elif _LANGUAGE.fullmatch(path.name):
            language = path.stem
            said = _texts(path)
            languages[language] = {**languages.get(language, {}), **said}
            faults = list(_faults_of_texts(said, languages[language]))
        elif path.name.startswith(".") or (path.is_dir() and _ACCOUNT.fullmatch(path.name)):
            continue
        else:
            faults = [f"is neither {FRAME}, LANGUAGE.toml (such as de.toml) nor an account's folder"]
        if faults:
            raise OperatorError(f"{path}: {'; '.join(faults)}")
    return Wording(languages, frame)


def _faults_of_frame(frame: str) -> Iterator[str]:
    shown = PLACE.findall(frame)
    for name in dict.fromkeys(shown):
        if name not in PLACES:
            yield f"{{{{ {name} }}}} is not known: known are {', '.join(PLACES)}"
    for name in NEEDED:
        if name not in shown:
            yield f"{{{{ {name} }}}} is missing"
    if re.search(r"<script\b", frame, re.IGNORECASE):
        yield "there is a script: none runs on these pages"


def _faults_of_texts(said: Words, whole: Words) -> Iterator[str]:
    english = LANGUAGES[DEFAULT]
    for name, text in said.items():
        if name not in english:
            yield f"{name} is not known"
        elif not isinstance(text, str) or not text.strip():
            yield f"{name} must be a text"
        elif (fields := _fields(text)) is None:
            yield f"{name} has a brace that is never closed: a brace is written {{{{ or }}}}"
        elif unknown := fields - {"sender"} - (_fields(english[name]) or set()):
            yield f"{name} has {{{min(unknown)}}}, which is not known there"
    if missing := [name for name in english if name not in whole]:
        yield f"a new language needs every text: {', '.join(missing)} missing"


def _fields(text: str) -> set[str] | None:
    """What is filled in; None: it cannot be read."""
    try:
        return {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError:
        return None


def _texts(path: Path) -> Words:
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        raise OperatorError(f"{path}: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{path} cannot be read: {reason_of(error)}") from error
