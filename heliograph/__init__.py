"""Heliograph: a self-hosted email engagement engine."""

__version__ = "0.1.0"
