"""A process that makes mails as the real one does, of what the test of `makers` knows; and misbehaves where it is told.

Words of a message's template name: `kill` ends the process, `hang` has it wait for ever, `break` raises. The argument is a
file that counts lives: a line is added to it by each process."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

from making_world import workshop

from heliograph.outbound.messages.making.letters import Made
from heliograph.outbound.messages.making.workshop import Order, serve

WORKSHOP = workshop()


def make(order: Order) -> Made:
    said = order.request.data.decode()
    if "kill" in said:
        os.kill(os.getpid(), signal.SIGKILL)
    if "hang" in said:
        time.sleep(600)
    if "break" in said:
        raise ZeroDivisionError("by us")
    return WORKSHOP.make(order)


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a") as lives:
        lives.write(f"{os.getpid()}\n")
    with socket.socket(fileno=sys.stdin.fileno()) as orders:
        serve(orders, make)
