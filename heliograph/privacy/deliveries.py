"""Erasure reaches what deliveries noted a moment ago (STD-7): what is written of them already is found in state."""

from __future__ import annotations

from collections.abc import Sequence

from heliograph.journal.consumer import Erased
from heliograph.outbound.feeds.delivery_log import DeliveryLog
from heliograph.privacy.erasing import Forget
from heliograph.privacy.words import Mask


def deliveries_forget(log: DeliveryLog) -> Forget:
    """What has this log forget. It is half a second's window on failures and samples, so all of it goes."""

    async def forget_in_log(_: Erased, __: Sequence[str], ___: Mask) -> None:
        log.take()

    return forget_in_log
