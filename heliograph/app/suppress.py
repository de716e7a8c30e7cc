"""Suppressions by command: barring an address, and lifting what was decided. The orders are events, as the API gives them."""

from __future__ import annotations

from pathlib import Path

from heliograph.app.define import account_number
from heliograph.app.storage import reachable
from heliograph.clock import SystemClock
from heliograph.database import open_state
from heliograph.errors import BadRequest, OperatorError
from heliograph.events import subjects
from heliograph.events.consent import Channel, SuppressionType
from heliograph.privacy import orders
from heliograph.react.state import consent
from heliograph.react.state.consent import Suppression
from heliograph.settings import Settings

BY = "command line"


def standing(settings: Settings, account: str | None, address: str) -> list[Suppression]:
    """Why this address or number is not written to, the oldest reason first."""
    state = open_state(Path(settings.data), read_only=True)
    number, (channel, normal) = account_number(state, account), place(address)
    with state.connect() as connection:
        return consent.suppressions(connection, number, channel, normal)


async def suppress(settings: Settings, account: str | None, address: str, reason: str) -> None:
    """Nobody writes to it any more."""
    number = account_number(open_state(Path(settings.data), read_only=True), account)
    async with reachable(settings) as journal:
        await orders.suppress(journal, SystemClock(), number, *place(address), reason=reason, by=BY)


async def lift(
    settings: Settings, account: str | None, address: str, kind: SuppressionType, reason: str
) -> None:
    """This reason holds no more. Raises `OperatorError` where it does not hold, or where only the person can lift it."""
    if kind not in {one.type for one in standing(settings, account, address)}:
        raise OperatorError(f"{address} is not suppressed as {kind}")
    number = account_number(open_state(Path(settings.data), read_only=True), account)
    async with reachable(settings) as journal:
        try:
            await orders.lift(journal, SystemClock(), number, *place(address), kind, reason=reason, by=BY)
        except BadRequest as error:
            raise OperatorError(error.message) from error


def place(address: str) -> tuple[Channel, str]:
    """Which channel is meant: an address with an at sign is mail, a number is texts. In normal form."""
    return ("email", subjects.normal_email(address)) if "@" in address else ("sms", address.strip())
