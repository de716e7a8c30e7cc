"""Suppressions by command: barring an address, and lifting what was decided. The orders are events, as the API gives them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from heliograph.accounts.directory import load_directory
from heliograph.accounts.model import Account
from heliograph.api.resources.places import normal, spelled
from heliograph.app.accounts import account_number
from heliograph.app.storage import recording
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import BadRequest, OperatorError
from heliograph.events.consent import Channel, SuppressionType
from heliograph.privacy import orders
from heliograph.react.state import consent, suppression_lists
from heliograph.react.state.consent import Suppression
from heliograph.react.state.suppression_lists import Held
from heliograph.settings import Settings

BY = "command line"


class Place(NamedTuple):
    """An address or number of an account, in normal form."""

    account: str
    channel: Channel
    address: str


def place(settings: Settings, account: str | None, address: str) -> Place:
    """What is meant, whatever stands in a list: with an at sign it is mail, else a number for texts. Raises `OperatorError`."""
    return _place(settings, account, address, spelled)


def place_to_bar(settings: Settings, account: str | None, address: str) -> Place:
    """The same of what can be written to alone. Raises `OperatorError` for what is neither address nor number."""
    try:
        return _place(settings, account, address, normal)
    except BadRequest as error:
        raise OperatorError(
            f"{address} is neither an e-mail address nor a number such as +12025550137"
        ) from error


def _place(
    settings: Settings, account: str | None, address: str, read: Callable[[Account, Channel, str], str]
) -> Place:
    state = open_state(Path(settings.data), read_only=True)
    found = load_directory(state).accounts[account_number(state, account)]
    channel: Channel = "email" if "@" in address else "sms"
    return Place(found.number, channel, read(found, channel, address))


def standing(settings: Settings, where: Place) -> list[Suppression]:
    """Why this place is not written to, the oldest reason first."""
    with open_state(Path(settings.data), read_only=True).connect() as connection:
        return consent.suppressions(connection, *where)


def listed(settings: Settings, account: str | None, kind: str | None, limit: int) -> list[Held]:
    """Up to `limit` suppressions of the account, by address; `kind`: only of this type."""
    state = open_state(Path(settings.data), read_only=True)
    with state.connect() as connection:
        return suppression_lists.page(connection, account_number(state, account), type=kind, limit=limit)


async def suppress(settings: Settings, where: Place, reason: str) -> None:
    """Nobody writes there any more."""
    async with recording(settings) as journal:
        await orders.suppress(journal, SystemClock(), *where, reason=reason, by=BY)


async def lift(settings: Settings, where: Place, kind: SuppressionType, reason: str) -> None:
    """This reason holds no more. Raises `OperatorError` where it does not hold, or where only the person can lift it."""
    if kind not in {one.type for one in standing(settings, where)}:
        raise OperatorError(f"{where.address} is not suppressed as {kind}")
    async with recording(settings) as journal:
        try:
            await orders.lift(journal, SystemClock(), *where, kind, reason=reason, by=BY)
        except BadRequest as error:
            raise OperatorError(error.message) from error
