"""Which account a command means, and its policy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from heliograph.accounts import keys
from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Policy
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.settings import Settings


def account_number(engine: Engine, account: str | None) -> str:
    """The account meant: the one that is named, else the only one. Raises `OperatorError`."""
    numbers = list(load_directory(engine).accounts)
    if account is None and len(numbers) == 1:
        return numbers[0]
    if account not in numbers:
        raise OperatorError(f"name one of these with --account: {', '.join(numbers)}")
    return account


def set_policy(settings: Settings, account: str | None, changes: dict[str, Any]) -> Policy:
    """Change an account's policy; takes effect within two seconds."""
    engine = open_state(Path(settings.data))
    number = account_number(engine, account)
    with engine.begin() as connection:
        policy = keys.set_policy(connection, number, changes)
    engine.dispose()
    return policy
