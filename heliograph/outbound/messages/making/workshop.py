"""Where mails are made, in whichever process: an order in, and the mail that is ready to be sent out.

The process that sends has a workshop of its own, and others in processes beside it (`makers`), which `serve` runs: orders
come over a socket, are made one after the other, and are answered in that order, each as soon as it is made. So who ordered
knows which one is being made.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from typing import NamedTuple, cast

import msgspec

from heliograph.accounts.directory import Directory
from heliograph.events import codec
from heliograph.events.event import Event, Record
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.look import Look
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.making.letters import Desk, Draft, Failed, Made, Undeliverable

HEAD_BYTES = 4
"""Of a frame: its length, big-endian; then one message in msgpack (`journal.frames`)."""

log = logging.getLogger("heliograph.outbound.workshop")


class Order(msgspec.Struct, frozen=True, array_like=True):
    """Make the mail that was requested, in this version of its template, as of `now` (microseconds). `accounts`: the
    change of accounts that who orders goes by; who makes the mail goes by it too, or by a later one."""

    request: Record
    version: int | None
    recipient: Mailbox
    now: int
    accounts: int = 0


class Ready(msgspec.Struct, frozen=True, array_like=True, tag="ready"):
    """The process waits for its first order."""


class Broken(msgspec.Struct, frozen=True, array_like=True, tag="broken"):
    """We failed to make it: `why` in words."""

    why: str


Answer = Broken | Draft | Undeliverable | Failed


class Workshop(NamedTuple):
    """Makes mails of what this process sees of state."""

    directory: Directory
    look: Look
    desk: Desk

    def make(self, order: Order) -> Made:
        """The mail, or why there is none."""
        request = cast(Event[MessageRequested], codec.decode(order.request))
        account = self.directory.account(request.account)
        if account is None:
            return Undeliverable(f"there is no account {request.account}")
        facts = self.look.facts(request, order.version)
        return self.desk.draft(request, facts, account, order.recipient, order.now)


def serve(connection: socket.socket, make: Callable[[Order], Made]) -> None:
    """Make what is ordered until the other end closes."""
    _send(connection, Ready())
    with connection.makefile("rb") as orders:
        while head := orders.read(HEAD_BYTES):
            order = _decode(orders.read(int.from_bytes(head)))
            answer: Answer
            try:
                answer = make(order)
            except Exception as error:
                log.exception("message %s could not be made", order.request.id)
                answer = Broken(f"{type(error).__name__}: {error}")
            _send(connection, answer)


def _send(connection: socket.socket, answer: Answer | Ready) -> None:
    body = _encode(answer)
    connection.sendall(len(body).to_bytes(HEAD_BYTES) + body)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Order).decode
