"""The script for a shop's pages (`track.js`), and how it is served."""

from heliograph.inbound.collect.script.serving import routes

__all__ = ["routes"]
