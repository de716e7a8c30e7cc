"""Opens and clicks: signed references that come back become events, without a look-up.

Come in: GET of `/o/{token}.gif` and `/c/{token}`, which `outbound.messages` wrote into mails. Go out:
`message.opened` and `link.clicked`, a picture, a redirect. The picture and the redirect are owed whatever
becomes of the record: what could not be recorded is counted (`web.losses`), and nobody sees an error.
"""

from __future__ import annotations

from heliograph.inbound.tracking.doors import routes

__all__ = ["routes"]
