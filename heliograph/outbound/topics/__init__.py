"""Topics: messages published once and told to all who subscribed, as Amazon SNS does it (SNS-1 to SNS-11).

    Publish, or a feed that ends in a topic -> topic.published -> one act per subscription -> endpoint | queue | dead letters

`service` is the API behind the Amazon-shaped door, `pages` what is fetched without a signature (the certificate) and the
calls of Litmus' partners, `deliveries` what the engine runs.
"""

from __future__ import annotations

from heliograph.outbound.topics.endpoints import Means
from heliograph.outbound.topics.registry import Registry
from heliograph.outbound.topics.service import sns_service

__all__ = ["Means", "Registry", "sns_service"]
