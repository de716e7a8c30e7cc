"""Unsubscribe (RFC 8058), preferences and opt-in confirmation: wishes about permission that come by signed links.

Come in: `/u/{token}`, `/p/{token}` and `/k/{token}`, which `outbound.messages` wrote into mails. Go out:
`unsubscription.requested`, `subscription.confirmed` and choices of topics; what follows from them is `react.policies`' business.
"""

from __future__ import annotations

from heliograph.inbound.consent.doors import routes
from heliograph.inbound.consent.wording import load_wordings

__all__ = ["load_wordings", "routes"]
