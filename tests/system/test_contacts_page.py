"""The page on contacts does what it says: its commands, run by a shell against a running engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from running_engine import SECONDS, Engine

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "contacts.md"


def test_the_commands_of_the_page_work(launch: Callable[..., Engine]) -> None:
    """RM-18, RM-24"""
    engine = launch()
    environ = os.environ | {
        "BASE": engine.url,
        "STORE": engine.keys["store_id"],
        "KEY": engine.keys["store_key"],
    }

    def answer(command: str) -> dict[str, Any]:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            env=environ,
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    commands = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    shown = [json.loads(one) for one in re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)]
    assert len(commands) == 4
    assert answer(commands[0]).keys() == shown[0].keys()
    assert answer(commands[1])["status"] == "OK"
    assert answer(commands[2]) == shown[1]
    engine.until(lambda: answer(commands[3])["customers"])
    (guy,) = answer(commands[3])["customers"]
    assert (guy["email"], guy["tags"]) == ("guy@example.com", ["import"])
    (john,) = [one for one in engine.exported("person.created") if "john" in one["subject"]]
    assert john["data"]["person"]["sms_phone_number_e164"] == "+14155552671"
