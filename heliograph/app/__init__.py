"""The composition root: the only place that knows every concrete thing, and wires it."""
