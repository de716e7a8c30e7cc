"""People who are texted, and texts that are asked for, whoever carries them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from running_engine import Engine


def agreed(engine: Engine, phones: Mapping[str, str]) -> None:
    """Customers of these first names and numbers who have agreed to be texted, as state has it."""
    for number, (name, phone) in enumerate(phones.items(), 1):
        customer = {"id": number, "first_name": name, "sms_phone_number_e164": phone}
        assert engine.event("customers/create", customer)[0] == 200
        wish = {"sms_phone_number_e164": phone, "double_optin_required": False}
        assert engine.event("newsletter/subscribe", wish)[0] == 200
    engine.until(lambda: len(engine.exported("consent.granted")) == len(phones))


def send(engine: Engine, to: str, **more: Any) -> str:
    """Ask for the text `sale`; the message's id."""
    body = {"template": "sale", "channel": "sms", "to": to, **more}
    headers = {"x-api-key": engine.keys["api_key"], "content-type": "application/json"}
    status, said = engine.post("/api/v1/messages", json.dumps(body).encode(), headers)
    assert status == 202, said
    return str(said["id"])
