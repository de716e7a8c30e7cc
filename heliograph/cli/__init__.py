"""The command line: `heliograph serve`, `demo`, `check`, `keys`, `tail`, `export`, `replay` and more."""

from heliograph.cli.main import main

__all__ = ["main"]
