"""Reading what a caller says about a picture: field by field, and everything that is wrong at once.

An `Attributes` is one JSON object of the request and the JSON pointer (RFC 6901) to it. Each question gives a value
that can be used, or the default and a `Fault`; whoever has asked all questions looks at `faults`. What is odd but
can be done is a warning. Fields that nobody asked for are warned about too: they are mostly misspelt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from heliograph.errors import CallerError, Fault, Unprocessable

Style = TypeVar("Style")

TEXT_LIMIT = 200
"""Characters of a text that is drawn; what is longer fits no picture."""
URL_LIMIT = 2048
"""Characters of a URL; longer ones are cut by mail clients."""

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(slots=True)
class Findings:
    """What was found in one body."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)


class Attributes:
    """One object of a request's body."""

    def __init__(self, said: Any, pointer: str, findings: Findings) -> None:
        self.pointer = pointer
        self.findings = findings
        self._said: Mapping[str, Any] = said if isinstance(said, dict) else {}
        self._asked: set[str] = set()
        self._inside: list[Attributes] = []
        if said is not None and not isinstance(said, dict):
            findings.faults.append(Fault(pointer, "must be an object"))

    def __contains__(self, name: str) -> bool:
        return self._said.get(name) is not None

    def fault(self, name: str, reason: str) -> None:
        """Say that a field is wrong; an empty name: this object itself."""
        self.findings.faults.append(Fault(self._at(name), reason))

    def warn(self, name: str, reason: str) -> None:
        """Say that a field is odd."""
        self.findings.warnings.append(Fault(self._at(name), reason))

    def made(self, style: Callable[..., Style], chosen: Mapping[str, Any], *, at: str) -> Style:
        """The style of what was chosen; what it refuses is a fault of the field `at`, and the plainest one goes on."""
        try:
            return style(**chosen)
        except CallerError as error:
            if not self.findings.faults:  # else it is one of those
                self.fault(at, error.message)
            return style()

    def raw(self, name: str) -> Any:
        """The JSON value as it is; None where there is none."""
        self._asked.add(name)
        return self._said.get(name)

    def inside(self, name: str) -> Attributes:
        """The object in a field; empty where there is none."""
        made = Attributes(self.raw(name), self._at(name), self.findings)
        self._inside.append(made)
        return made

    def each(self, name: str, *, most: int) -> Sequence[Attributes]:
        """The objects in a list; at least one and at most so many."""
        said = self.raw(name)
        if not isinstance(said, list) or not said:
            self.fault(name, "must be a list of at least one object")
            return ()
        if len(said) > most:
            self.fault(name, f"has {len(said)} entries; at most {most} are allowed")
            return ()
        made = [Attributes(one, f"{self._at(name)}/{place}", self.findings) for place, one in enumerate(said)]
        self._inside += made
        return made

    def text(self, name: str, default: str | None = None, *, limit: int = TEXT_LIMIT) -> str:
        """A text without control characters. `default` None: it must be given, and not be blank."""
        said = self.raw(name)
        if said is None and default is not None:
            return default
        if not isinstance(said, str) or (default is None and not said.strip()):
            self.fault(name, "must be given" if said is None or said == "" else "must be a text")
        elif len(said) > limit:
            self.fault(name, f"has {len(said)} characters; at most {limit} are allowed")
        elif _CONTROL.search(said):
            self.fault(name, "has control characters")
        else:
            return said
        return default or ""

    def integer(self, name: str, default: int | None, *, least: int, most: int) -> int:
        """A whole number, or one with zeros behind its point. `default` None: it must be given."""
        said = self.raw(name)
        if said is None and default is not None:
            return default
        if isinstance(said, float) and said.is_integer():
            said = int(said)
        if said is None or isinstance(said, bool) or not isinstance(said, int):
            self.fault(name, "must be given" if said is None else "must be a whole number")
        elif not least <= said <= most:
            self.fault(name, f"must be from {least} to {most}")
        else:
            return said
        return least if default is None else default

    def flag(self, name: str, default: bool) -> bool:
        """true or false."""
        said = self.raw(name)
        if said is None or isinstance(said, bool):
            return default if said is None else said
        self.fault(name, "must be true or false")
        return default

    def choice(self, name: str, among: Collection[str], default: str | None = None) -> str:
        """One of these words, exactly. `default` None: it must be given."""
        said = self.raw(name)
        if said is None and default is not None:
            return default
        if isinstance(said, str) and said in among:
            return said
        self.fault(name, f"must be one of: {', '.join(among)}" if said is not None else "must be given")
        return default or next(iter(among))

    def url(self, name: str, default: str | None = None) -> str:
        """An absolute http or https URL. `default` None: it must be given."""
        said = self.text(name, default, limit=URL_LIMIT)
        if said and said != default and not _is_url(said):
            self.fault(name, "must be an absolute http or https URL")
        return said

    def colours(self, name: str, known: Collection[str]) -> dict[str, str]:
        """The colours that are given, as `#RRGGBB`. Those that the template does not have are faults (PER-4)."""
        given = self.inside(name)
        found: dict[str, str] = {}
        for colour in given.names():
            said = given.raw(colour)
            if colour not in known:
                given.fault(colour, f"is no colour of this template; it has: {', '.join(known)}")
            elif not isinstance(said, str) or not _COLOUR.fullmatch(said):
                given.fault(colour, "must be a colour: #RGB or #RRGGBB")
            else:
                found[colour] = _six(said)
        return found

    def names(self) -> Sequence[str]:
        """What is given here."""
        return [name for name, value in self._said.items() if value is not None]

    def settle(self) -> None:
        """All questions were asked: warn of what nobody asked for. Raises `Unprocessable` with every fault."""
        self._warn_of_unknown()
        faults = tuple(self.findings.faults)
        if faults:
            raise Unprocessable("Some attributes are wrong.", faults=faults)

    def _warn_of_unknown(self) -> None:
        for name in self.names():
            if name not in self._asked:
                self.warn(name, "is not known here and was ignored")
        for one in self._inside:
            one._warn_of_unknown()

    def _at(self, name: str) -> str:
        escaped = name.replace("~", "~0").replace("/", "~1")
        return f"{self.pointer}/{escaped}" if name else self.pointer


def _six(colour: str) -> str:
    digits = colour[1:].upper()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return (
            parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and not re.search(r"\s", text)
        )
    except ValueError:
        return False
