"""What is known of a source after it was asked: three pure turns of a `Copy`."""

from __future__ import annotations

import msgspec

from heliograph.clock import SECOND
from heliograph.outbound.images.sources.fetching import Fetched, Validators
from heliograph.outbound.images.sources.picture import Picture
from heliograph.outbound.images.sources.shelf import Copy

RETRY_LEAST, RETRY_MOST = 15, 3600  # seconds before a source that failed is asked again; doubled each time
KEPT_WHEN_BROKEN = 30 * 86_400  # seconds that a last good copy stands in for a source that fails


def found(url: str, picture: Picture, body: str, raw: str, fetched: Fetched, now: int) -> Copy:
    """A picture that is new, stored under `body`; `raw` is the hash of what was fetched."""
    return Copy(
        url=url,
        due=now + fetched.fresh * SECOND,
        body=body,
        type=picture.type,
        width=picture.width,
        height=picture.height,
        raw=raw,
        validators=fetched.validators,
        good=now,
    )


def confirmed(copy: Copy, fresh: int, validators: Validators, now: int) -> Copy:
    """The picture that we have is still the source's."""
    return msgspec.structs.replace(
        copy, due=now + fresh * SECOND, good=now, validators=validators, failures=0, reason=""
    )


def failed(url: str, copy: Copy | None, reason: str, now: int) -> Copy:
    """The source gave nothing that can be shown. What we have of it stays as it is."""
    copy = copy or Copy(url=url, due=0)
    wait = min(RETRY_LEAST * 2 ** min(copy.failures, 16), RETRY_MOST)
    return msgspec.structs.replace(copy, due=now + wait * SECOND, failures=copy.failures + 1, reason=reason)


def can_be_shown(copy: Copy, now: int) -> bool:
    """Whether the last good picture may still stand in for its source."""
    return bool(copy.body) and (not copy.failures or now - copy.good < KEPT_WHEN_BROKEN * SECOND)
