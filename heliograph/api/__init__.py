"""The operators' API: JSON over HTTP below `/api/v1`, described by itself at `/api/openapi.json`.

Comes in: requests with an `api` key. Goes out: what state and journal know, and events, appended by the same
functions as the command line's. It writes nothing else; what follows from an event is the engine's business.
A resource is a value in a module of its own; `heliograph.api.resources` lists them.
"""

from __future__ import annotations

from heliograph.api.serving import routes
from heliograph.api.uploading import uploads

__all__ = ["routes", "uploads"]
