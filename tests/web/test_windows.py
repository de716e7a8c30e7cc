"""Allowances that all workers count together."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

from heliograph.clock import SECOND, ManualClock, SystemClock
from heliograph.web.windows import PLACES, Windows

START = 1_700_000_000


def test_a_window_begins_with_the_first_request_and_ends_by_itself(tmp_path: Path) -> None:
    clock = ManualClock(START * SECOND)
    windows = Windows(tmp_path / "w", 2, 900, clock)
    took = [windows.take("a") for _ in range(3)]
    assert [(one.remaining, one.granted) for one in took] == [(1, True), (0, True), (0, False)]
    assert {one.reset for one in took} == {START + 900}
    assert windows.take("b").remaining == 1, "everybody has their own"
    clock._now += 900 * SECOND
    assert windows.take("a") == (2, 1, START + 1800, True)
    windows.close()


def test_without_a_limit_nothing_is_counted(tmp_path: Path) -> None:
    windows = Windows(tmp_path / "w", 0, 900, ManualClock(START * SECOND))
    assert all(windows.take("a").granted for _ in range(1000))
    windows.close()


def test_a_clock_that_was_set_back_locks_nobody_out(tmp_path: Path) -> None:
    clock = ManualClock(START * SECOND)
    windows = Windows(tmp_path / "w", 1, 900, clock)
    assert windows.take("a").granted
    clock._now -= 10_000 * SECOND
    assert windows.take("a") == (1, 0, START - 10_000 + 900, True)
    windows.close()


def test_a_flood_of_names_leaves_the_file_as_large_as_it_is(tmp_path: Path) -> None:
    windows = Windows(tmp_path / "w", 5, 900, ManualClock(START * SECOND))
    size = (tmp_path / "w").stat().st_size
    for number in range(PLACES + 1000):
        assert windows.take(f"name {number}").granted
    assert (tmp_path / "w").stat().st_size == size
    windows.close()


def take(path: Path, times: int) -> int:
    windows = Windows(path, 1000, 900, SystemClock())
    granted = sum(windows.take("a").granted for _ in range(times))
    windows.close()
    return granted


def test_processes_count_together_and_grant_exactly_the_limit(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        granted = pool.starmap(take, [(tmp_path / "w", 800)] * 2)
    assert sum(granted) == 1000
