"""Every kind of live picture there is, in one tuple: adding one adds its module and a line here."""

from __future__ import annotations

from typing import Any

from heliograph.outbound.images.kinds import (
    conditional_images,
    progress_bars,
    sentiment_trackers,
    timers,
)
from heliograph.outbound.images.kinds.kind import Kind

KINDS: tuple[Kind[Any], ...] = (
    timers.KIND,
    progress_bars.KIND,
    sentiment_trackers.KIND,
    conditional_images.KIND,
)

BY_NAME = {kind.name: kind for kind in KINDS}
BY_SEGMENT = {kind.segment: kind for kind in KINDS}
