"""The hub: the one durable truth, in order, and the loops that read it."""
