"""Mail systems and how each writes a value of the recipient: for whatever is pasted into mails of somebody else's system.

Live pictures and tracking codes (`outbound.images`, `inbound.tracking`) both go into other systems' mails. The list is
`senders.toml`; for a system that is not in it a pattern can be given.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import NamedTuple

NAME = "NAME"
"""What stands for the value's name in a sender's pattern."""


class Sender(NamedTuple):
    """How a mail system writes a value of the recipient, and the recipient's own id. `capitals`: names are."""

    name: str
    value: str
    person: str
    title: str = ""
    capitals: bool = False

    def tag(self, name: str) -> str:
        """The merge tag for a value."""
        return self.value.replace(NAME, name.upper() if self.capitals else name)


@cache
def senders() -> tuple[Sender, ...]:
    """The common ones, by name."""
    listed = tomllib.loads(files("heliograph").joinpath("senders.toml").read_text(encoding="utf-8"))
    return tuple(
        Sender(name, said["value"], said["person"], said["title"], said.get("capitals", False))
        for name, said in sorted(listed.items())
    )


def find(name: str) -> Sender | None:
    """One of the common ones."""
    return next((sender for sender in senders() if sender.name == name), None)
