"""Load, bounded in time and connections, to 127.0.0.1 only: wrk where it is, told what to ask in Lua."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

WRK = shutil.which("wrk")


class Result(NamedTuple):
    """What a run of load came to: requests per second, latencies in ms, and answers that were no 2xx or 3xx."""

    rate: float
    p50: float
    p99: float
    errors: int


class Ask(NamedTuple):
    """One request of a rotation."""

    method: str
    path: str
    headers: dict[str, str]
    body: str = ""


def run(
    url: str,
    asks: Sequence[Ask],
    directory: Path,
    *,
    connections: int,
    seconds: float,
    name: str = "load",
    pause: float = 0.0,
) -> Result:
    """Ask these in turn, over and over, on so many connections for so long; each connection pauses so many
    milliseconds before each request, on average. Raises if wrk is missing."""
    if WRK is None:
        raise FileNotFoundError("wrk is not installed: apt-get install wrk")
    script = _script(asks, directory / f"{name}.lua", pause)
    done = subprocess.run(
        [
            WRK,
            "-t1",
            f"-c{connections}",
            f"-d{seconds:g}s",
            "--timeout",
            "20s",
            "--latency",
            "-s",
            str(script),
            url,
        ],
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=True,
    )
    return _parse(done.stdout)


def start(
    url: str, asks: Sequence[Ask], directory: Path, *, connections: int, seconds: float, name: str
) -> subprocess.Popen[str]:
    """The same in the background; `finish` gives its result."""
    if WRK is None:
        raise FileNotFoundError("wrk is not installed: apt-get install wrk")
    script = _script(asks, directory / f"{name}.lua")
    return subprocess.Popen(
        [
            WRK,
            "-t1",
            f"-c{connections}",
            f"-d{seconds:g}s",
            "--timeout",
            "20s",
            "--latency",
            "-s",
            str(script),
            url,
        ],
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(running: subprocess.Popen[str]) -> Result:
    """Wait for a background load."""
    output, _ = running.communicate(timeout=120)
    return _parse(output)


def _script(asks: Sequence[Ask], path: Path, pause: float = 0.0) -> Path:
    lines = ["local asks = {}"]
    for number, ask in enumerate(asks, 1):
        if ask.body:
            body = path.with_name(f"{path.stem}-{number}.body")
            body.write_text(ask.body)
            lines.append(
                f"do local f = io.open({json.dumps(str(body))}, 'rb'); b = f:read('*a'); f:close() end"
            )
        headers = ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in ask.headers.items())
        lines.append(
            f"asks[{number}] = {{{json.dumps(ask.method)}, {json.dumps(ask.path)}, {{{headers}}}, "
            f"{'b' if ask.body else 'nil'}}}"
        )
    lines += [
        "local made, i = {}, 0",
        "function init(args) for n, a in ipairs(asks) do made[n] = wrk.format(a[1], a[2], a[3], a[4]) end end",
        "function request() i = i % #made + 1; return made[i] end",
    ]
    if pause:
        lines.append(f"function delay() return math.random(0, {round(2 * pause)}) end")
    path.write_text("\n".join(lines))
    return path


def _parse(output: str) -> Result:
    rate = float(_find(r"Requests/sec:\s+([\d.]+)", output))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
    socket_errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", output)
    errors = int(failed[1]) if failed else 0
    errors += sum(int(n) for n in socket_errors.groups()) if socket_errors else 0
    return Result(
        rate, _ms(_find(r"\n\s+50%\s+(\S+)", output)), _ms(_find(r"\n\s+99%\s+(\S+)", output)), errors
    )


def _find(pattern: str, output: str) -> str:
    found = re.search(pattern, output)
    if not found:
        raise ValueError(f"wrk said something unexpected:\n{output}")
    return found[1]


def _ms(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise ValueError(text)
