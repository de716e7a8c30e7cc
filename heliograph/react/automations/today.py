"""What holds for a run at the moment its wait is over: the filters again, on its person and object as they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from heliograph.react.automations.definition import Automation
from heliograph.react.automations.kinds import OBJECT_PATHS, family
from heliograph.react.automations.runs import Run
from heliograph.react.state import commerce
from heliograph.react.state.conditions import failing
from heliograph.react.state.facts import Facts
from heliograph.react.state.people import Person


def obstacle(
    connection: Connection, automation: Automation, run: Run, person: Person, now: int
) -> str | None:
    """Why the run should not go on, in words; None where nothing is in the way, or nothing is to be asked again.

    Carts and orders are looked up; of anything else there is no later state than what the trigger said."""
    if not automation.recheck:
        return None
    kind = automation.trigger.kinds[0]
    found = about(connection, automation, run)
    if isinstance(found, commerce.Cart) and found.closed_by is not None:
        return f"the cart was closed by the order {found.closed_by}"
    if found is not None and found.deleted is not None and not kind.endswith(".deleted"):
        return f"the {family(kind)} was deleted"
    current = run.properties if found is None else found.document
    fails = failing(automation.trigger.where, current)
    if fails is None and automation.who:
        fails = failing(automation.who, facts(connection, automation, run, person, now))
    return None if fails is None else f"its conditions no longer hold: {fails}"


def about(connection: Connection, automation: Automation, run: Run) -> commerce.Cart | commerce.Order | None:
    """The cart or order that a run is about, as it is now."""
    kind = automation.trigger.kinds[0]
    if run.object and automation.object == OBJECT_PATHS.get(kind):
        if family(kind) == "cart":
            return commerce.cart(connection, run.account, run.object)
        if family(kind) == "order":
            return commerce.order(connection, run.account, run.object)
    return None


def facts(connection: Connection, automation: Automation, run: Run, person: Person, now: int) -> Facts:
    """What the conditions of a branch may ask: of the person, and of what the run is about."""

    def document(kind: type[Any]) -> Callable[[], dict[str, Any]]:
        def look() -> dict[str, Any]:
            found = about(connection, automation, run)
            return found.document if isinstance(found, kind) else {}

        return look

    more = {
        "event": lambda: run.properties,
        "cart": document(commerce.Cart),
        "order": document(commerce.Order),
        "product": lambda: _product(connection, automation, run),
    }
    return Facts(connection, run.account, person, now, more)


def _product(connection: Connection, automation: Automation, run: Run) -> dict[str, Any]:
    """The catalogue's entry of the product that a run is about, as it is now; empty where it is about none."""
    named = (automation.object or "").rpartition(".")[2] == "product_id"
    found = commerce.product(connection, run.account, run.object) if named and run.object else None
    return {**found.document, "product_exists": found.product_exists} if found is not None else {}
