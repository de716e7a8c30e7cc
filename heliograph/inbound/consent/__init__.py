"""Unsubscribe (RFC 8058) and opt-in confirmation: wishes about permission that come by signed links.

Come in: `/u/{token}` and `/k/{token}`, which `outbound.messages` wrote into mails. Go out:
`unsubscription.requested` and `subscription.confirmed`; what follows from them is `react.policies`' business.
"""

from __future__ import annotations

from heliograph.inbound.consent.doors import routes

__all__ = ["routes"]
