"""The Amazon-shaped door with its queues behind the real entry: what the server process of these tests runs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key
from heliograph.aws.door import Door
from heliograph.clock import SystemClock
from heliograph.outbound.queues import sqs_service
from heliograph.queues.file import QueueFile
from heliograph.signing import Keyring
from heliograph.web.entry import Entry
from heliograph.web.http import ACCOUNT_NUMBER, Route, plain_error
from heliograph.web.proxies import trusting

KEYS = {"AKIAFIRST": ("111111111111", "secret/one+x"), "AKIASECOND": ("222222222222", "secret2")}


def directory() -> Directory:
    accounts = [Account(number=number, store_id=number) for number, _ in KEYS.values()]
    keys = [
        Key(id=name, account=number, kind="aws", public=name, secret=secret)
        for name, (number, secret) in KEYS.items()
    ]
    return Directory(accounts, keys, Keyring(keys={0: bytes(32)}, current=0))


def create() -> Entry:
    clock = SystemClock()
    opened: list[QueueFile] = []

    async def start() -> tuple[list[Route], Any]:
        file = QueueFile(Path(os.environ["QUEUES"]))
        opened.append(file)
        door = Door((sqs_service(file, os.environ["BASE_URL"], clock),), directory(), clock)
        return [Route("", door, plain_error), Route(ACCOUNT_NUMBER, door, plain_error)], Starlette()

    async def stop() -> None:
        for file in opened:
            file.close()

    return Entry(start, stop, stopping=lambda: None, resolve=trusting(()), page_limit=1000)
