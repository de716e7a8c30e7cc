"""The sinks, in one tuple: adding one is a module here and a line below."""

from __future__ import annotations

from heliograph.outbound.feeds.sink import Sink
from heliograph.outbound.feeds.sinks import amazon, nats, queue, topic, webhook

SINKS: tuple[Sink, ...] = (webhook.SINK, queue.SINK, topic.SINK, amazon.SINK, nats.SINK)

BY_SCHEME: dict[str, Sink] = {scheme: sink for sink in SINKS for scheme in sink.schemes}


def sink_of(endpoint: str) -> Sink:
    """The sink of an endpoint, by its scheme; a URL that none knows is the webhook's, who says what is wrong."""
    return BY_SCHEME.get(endpoint.partition(":")[0].lower(), webhook.SINK)
