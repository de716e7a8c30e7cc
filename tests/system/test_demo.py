"""The demo: the whole story over real sockets, told to its end."""

from __future__ import annotations

import subprocess
import sys

from free_ports import free_port


def test_the_demo_tells_its_story_to_the_end() -> None:
    """A cart is abandoned, the mail arrives, is opened and clicked, the order comes, the next mail is cancelled;
    every step leaves as a webhook whose signature verifies (RM-14)."""
    done = subprocess.run(
        [sys.executable, "-m", "heliograph", "demo", "--exit", "--listen", f"127.0.0.1:{free_port()}"],
        capture_output=True,
        text=True,
        timeout=900,  # every step has a limit of its own
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    steps = [
        "cart",
        "mail",
        "email/sent",
        "email/delivered",
        "email/opened",
        "email/clicked",
        "order",
        "cancelled",
    ]
    places = [done.stdout.find(step) for step in steps]
    assert places == sorted(places) and -1 not in places, done.stdout
