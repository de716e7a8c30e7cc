"""Context records for other systems: looked up by key at open time, with one hit or miss each (MG-7).

Comes in: `GET /v5/engage/context?data=PREFIX-KEY` and the login for it, as MessageGears' clients ask (wire-facts 4.1).
Goes out: the record as JSON, and `record.hit` or `record.missed` for every key. How records are kept is
`heliograph.react.state.records`; templates ask in `outbound.messages`, pictures in `outbound.images`.
"""

from __future__ import annotations

from heliograph.outbound.records.doors import routes

__all__ = ["routes"]
