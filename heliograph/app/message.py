"""One message by command: how it stands, and everything that happened to it."""

from __future__ import annotations

from pathlib import Path

from heliograph.app.accounts import account_number
from heliograph.app.storage import reading
from heliograph.database import open_state
from heliograph.errors import OperatorError
from heliograph.events.event import Entry
from heliograph.react.state import message_history, messages
from heliograph.react.state.messages import Message
from heliograph.settings import Settings


async def show(settings: Settings, account: str | None, wanted: str) -> tuple[Message, list[Entry]]:
    """The message of this id, and its past in order. Raises `OperatorError`."""
    state = open_state(Path(settings.data), read_only=True)
    number = account_number(state, account)
    with state.connect() as connection:
        message = messages.find(connection, number, wanted)
        if message is None:
            raise OperatorError(f"account {number} has no message {wanted}")
        references = message_history.references(connection, message)
    async with reading(settings) as journal:
        return message, await message_history.history(journal, message, references)
