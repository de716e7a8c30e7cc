"""Whether a run still makes sense at the moment its wait is over: the filters again, on the object as it is now."""

from __future__ import annotations

from sqlalchemy import Connection

from heliograph.react.automations.conditions import matches
from heliograph.react.automations.definition import Automation
from heliograph.react.automations.kinds import OBJECT_PATHS, family
from heliograph.react.automations.runs import Run
from heliograph.react.state import commerce


def obstacle(connection: Connection, automation: Automation, run: Run) -> str | None:
    """Why the run should not go on, in words; None where nothing is in the way.

    Carts and orders are looked up; of anything else there is no later state than what the trigger said."""
    kind = automation.trigger.kinds[0]
    found: commerce.Cart | commerce.Order | None = None
    if run.object and automation.object == OBJECT_PATHS.get(kind):
        if family(kind) == "cart":
            found = commerce.cart(connection, run.account, run.object)
        elif family(kind) == "order":
            found = commerce.order(connection, run.account, run.object)
    if isinstance(found, commerce.Cart) and found.closed_by is not None:
        return f"the cart was closed by the order {found.closed_by}"
    if found is not None and found.deleted is not None and not kind.endswith(".deleted"):
        return f"the {family(kind)} was deleted"
    current = run.properties if found is None else found.document
    return None if matches(automation.trigger.where, current) else "its conditions no longer hold"
