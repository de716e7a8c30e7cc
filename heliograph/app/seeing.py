"""Which change of accounts, keys and policies each process goes by, for `/metrics`: a change counts everywhere as soon as every
process that is there says its number, which is the one row of `accounts_revision`."""

from __future__ import annotations

from prometheus_client import Gauge

from heliograph.accounts.directory import Directory

REVISION = Gauge(
    "heliograph_accounts_revision",
    "The latest change of accounts, keys and policies that a process goes by.",
    ["part"],
    multiprocess_mode="liveall",
)


def say(part: str, directory: Directory) -> None:
    """Say it as it is now."""
    REVISION.labels(part).set(directory.revision)
