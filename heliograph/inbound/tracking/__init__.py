"""Opens and clicks: signed references that come back become events, without a look-up.

Come in: GET of `/o/{token}.gif` and `/c/{token}`, which `outbound.messages` wrote into mails. Go out:
`message.opened` and `link.clicked`, a picture, a redirect. The picture and the redirect are owed whatever
becomes of the record: what could not be recorded is counted (`losses.LOST`), and nobody sees an error.
"""

from __future__ import annotations

from heliograph.inbound.tracking.doors import routes
from heliograph.inbound.tracking.losses import LOST

__all__ = ["LOST", "routes"]
