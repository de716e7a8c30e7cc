"""From `message.requested` to someone's hands: permission, composition, instrumentation, channels, dispatch."""
