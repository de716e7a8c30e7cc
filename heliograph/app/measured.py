"""The figures of all processes for `/metrics`, as their files in one directory have them.

What was counted stays when its process ends; what a process said of itself ends with it: of one that died a feed would lag for
ever.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, generate_latest, multiprocess
from prometheus_client.registry import Collector

from heliograph.app.part import METRICS_VARIABLE


def measured() -> bytes:
    """The figures in Prometheus' own format; none where no directory is named for them."""
    registry = CollectorRegistry()
    if METRICS_VARIABLE in os.environ:
        registry.register(Figures(Path(os.environ[METRICS_VARIABLE])))
    return generate_latest(registry)


class Figures(Collector):
    """What the files of a directory say now."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """As the library calls it."""
        files = [str(path) for path in self._directory.glob("*.db") if _says_something(path)]
        found: Iterable[Metric] = multiprocess.MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
        return found


def _says_something(path: Path) -> bool:
    """Not a file that is just being made, nor one of the present of a process that is no more."""
    kind, _, process = path.stem.rpartition("_")
    try:
        if not path.stat().st_size:
            return False
        if kind.startswith("gauge_live"):
            os.kill(int(process), 0)
    except (FileNotFoundError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
