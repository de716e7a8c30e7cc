"""What was kept of what others said, by API."""

from __future__ import annotations

import base64

from api_world import World

from heliograph.inbound.receipts.evidence import About


async def test_a_mail_that_came_back_is_shown_to_its_own_account_alone(world: World) -> None:
    raw = b"From: MAILER-DAEMON@x.example\n\n550 \xff"
    about = About(
        kind="mail", at=1_700_000_000_000_000, events=("e",), sender="", recipients=("b@x.example",)
    )
    kept = world.means.evidence.keep(world.account, raw, about)
    shown = (await world.ask("GET", f"/api/v1/evidence/{kept}")).json
    assert base64.b64decode(shown["content"]) == raw
    assert (shown["kind"], shown["size"], shown["events"]) == ("mail", len(raw), ["e"])
    assert shown["received_at"] == "2023-11-14T22:13:20.000000Z"
    assert (await world.ask("GET", f"/api/v1/evidence/{kept}", key=world.other_key)).status == 404
    assert (await world.ask("GET", "/api/v1/evidence/..%2F..%2Fstate")).status == 404
