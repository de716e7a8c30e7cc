"""`heliograph version`."""

from __future__ import annotations

from heliograph import __version__
from heliograph.cli.options import out


def version() -> None:
    """Print the version."""
    out.print(__version__)
