"""What follows from an event by rule: consent granted or withdrawn, addresses suppressed or freed.

Comes in: wishes from doors (`subscription.requested`, `unsubscription.requested`, a shop's
`accepts_marketing`) and what the mail world says (bounces, complaints). Goes out: `consent.*`,
`suppression.*` and the mail that asks for confirmation, each with a derived id and announced once.
"""

from __future__ import annotations

from heliograph.react.policies.reaction import reaction
from heliograph.react.policies.templates import BUILTIN_TEMPLATES

__all__ = ["BUILTIN_TEMPLATES", "reaction"]
