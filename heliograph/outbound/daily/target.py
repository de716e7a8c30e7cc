"""What a place for daily files is: a scheme, and a function that puts a file there whole or not at all.

A name that is there already is never overwritten (LIT-15): the receiver may be reading it, or has it from somebody else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from heliograph.settings import Settings


class Put(NamedTuple):
    """It is there."""


class Exists(NamedTuple):
    """A file of this name is there already; nothing was changed."""


class Failed(NamedTuple):
    """It could not be put there now."""

    why: str


Outcome = Put | Exists | Failed


@dataclass(frozen=True, slots=True)
class Target:
    """`scheme`: how addresses begin. `put` is given the address, the files and the settings, and tells of each what
    became of it; no file is seen under its name before it is whole."""

    scheme: str
    put: Callable[[str, Sequence[Path], Settings], Awaitable[list[Outcome]]]
