"""Events from outside: the Remarkety events API, and batches (`docs/events.md` names the kinds they become)."""

from heliograph.inbound.collect.doors import routes

__all__ = ["routes"]
