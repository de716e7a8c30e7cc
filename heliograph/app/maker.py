"""Makes mails for the process that sends (`heliograph.app.outbound`), which starts this one and talks to it.

It reads state by itself: who somebody is, what a template says, which keys sign. It has nothing on disk, sends nothing, and
ends when its standard input, a socket, is closed.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
from pathlib import Path

from heliograph.accounts.directory import Directory, load_directory
from heliograph.app import part
from heliograph.attachments.kept import KeptFiles
from heliograph.clock import Clock, SystemClock
from heliograph.database import Reading, open_state
from heliograph.outbound.messages.facts.look import Look, look_into
from heliograph.outbound.messages.mail.dkim import Signers
from heliograph.outbound.messages.making.letters import Desk, Made
from heliograph.outbound.messages.making.workshop import Order, Workshop, serve
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.refs import Refs
from heliograph.settings import Settings, picture_urls, public_url

COMMAND = (sys.executable, "-m", "heliograph.app.maker")
LOOK_SECONDS = 0.5
"""How soon it sees what was changed of accounts and keys: as soon as the process that sends, and never after that."""

log = logging.getLogger("heliograph.maker")


def workshop(
    settings: Settings, clock: Clock, directory: Directory, look: Look, refs: Refs, signers: Signers
) -> Workshop:
    """Where mails are made."""
    desk = Desk(
        Composer(clock),
        refs,
        public_url(settings),
        picture_urls(settings),
        settings.bounce_address,
        signers,
        KeptFiles(Path(settings.data)),
    )
    return Workshop(directory, look, desk)


class MakerRoom:
    """A workshop, and what it needs of state."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._reading = open_state(Path(settings.data), read_only=True)
        self._directory, self._signers = load_directory(self._reading), Signers(self._reading)
        self._refs = Refs(self._directory.master)
        look = look_into(Reading(self._reading), clock)
        self._workshop = workshop(settings, clock, self._directory, look, self._refs, self._signers)
        self._looked = clock.monotonic()

    def make(self, order: Order) -> Made:
        """The mail, by the accounts and keys of now."""
        late = self._clock.monotonic() - self._looked > LOOK_SECONDS
        if late or order.accounts > self._directory.revision:
            self._look_around()
        return self._workshop.make(order)

    def _look_around(self) -> None:
        self._looked = self._clock.monotonic()
        try:
            self._directory.reload(self._reading)
            self._refs.rekey(self._directory.master)
            self._signers.reload()
        except Exception:
            log.exception("what was changed could not be looked at; tried again soon")


def run(settings: Settings) -> None:
    """Make mails until nobody orders any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a shell tells all; who started this one ends it
    room = MakerRoom(settings, SystemClock())
    part.calm_collector()
    with socket.socket(fileno=sys.stdin.fileno()) as orders:
        serve(orders, room.make)


if __name__ == "__main__":
    part.run("maker", run)
