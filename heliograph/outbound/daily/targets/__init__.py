"""Every sort of place that daily files can go to. Adding one adds its module and one line here."""

from __future__ import annotations

from heliograph.outbound.daily.target import Target
from heliograph.outbound.daily.targets import folder, s3, sftp

TARGETS: tuple[Target, ...] = (
    sftp.TARGET,
    s3.TARGET,
    folder.TARGET,
)
"""The first whose scheme an address has; a folder has none."""


def target_of(address: str) -> Target:
    """The sort of place that this address names."""
    return next(target for target in TARGETS if address.startswith(target.scheme))
