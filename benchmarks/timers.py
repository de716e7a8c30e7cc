"""Countdown timers: what one that nobody has asked for yet costs, against the ways in which they are drawn elsewhere."""

from __future__ import annotations

import io
import json
import random
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFont

from benchmarks.report import Row
from heliograph.outbound.images.countdown import timer
from heliograph.outbound.images.countdown.kit import StyleKit
from heliograph.outbound.images.countdown.style import TEMPLATES, TimerStyle
from heliograph.outbound.images.lettering.families import BY_NAME, FAMILIES

FRAMES = 60  # what the references were measured with; a published timer has 30
STYLE = TimerStyle(template="cards", font="Montserrat", frames=FRAMES)
DAY = 86_400
ROUNDS = 9
NODE_PACKAGES = ("gifencoder@2.0.1", "@napi-rs/canvas@1.1.1")


class Cost(NamedTuple):
    """CPU milliseconds (the median of several rounds) and bytes of one."""

    milliseconds: float
    bytes: float

    def __str__(self) -> str:
        return f"{self.milliseconds:.3g} ms CPU, {self.bytes / 1000:.3g} kB"


def against_others(scratch: Path) -> list[Row]:
    """Unique timers of 600x140 with 60 frames; random remaining times of an hour to 99 days."""
    ours = _unique(STYLE)
    ready, knowing, full = _cost(_ready_palette_pictures(), 3), _cost(_knowing, 3), _cost(_painted, 1)
    rows = [
        Row("unique timer, 600x140, 60 frames: ms CPU", f"{ours}, {1000 / ours.milliseconds:,.0f}/s per core",
            goal=0.25, goal_is_most=True, value=ours.milliseconds),
        Row("the same: kB", f"{ours.bytes / 1000:.1f} kB", goal=20, goal_is_most=True, value=ours.bytes / 1000),
        Row("the same", str(ours), f"Pillow, ready palette pictures, save_all: {ready}",
            ready.milliseconds / ours.milliseconds, goal=150),
        Row("the same", str(ours), f"Pillow, our colours and parts, save_all(optimize=False): {knowing}",
            knowing.milliseconds / ours.milliseconds),
        Row("the same", str(ours), f"Pillow, RGB frames, save_all: {full}", full.milliseconds / ours.milliseconds),
        _against_node(ours, scratch),
    ]  # fmt: skip
    for template in TEMPLATES:
        cost = _unique(TimerStyle(template=template, font="Montserrat"))
        rows.append(Row(f"unique {template}, 30 frames as published", str(cost)))
    retina = _unique(TimerStyle(template="cards", scale=2))
    return [*rows, Row("unique cards, 30 frames, retina 1200x280", str(retina)), *_kept_and_cold()]


def _kept_and_cold() -> list[Row]:
    timer.gif(STYLE, DAY)
    cached = _cost(lambda _: timer.gif(STYLE, DAY), 20_000)
    cold = [
        _cold(family.name, background) for family in FAMILIES for background in ("#FFF", "#000", "#33A8CC")
    ]
    weight = StyleKit(STYLE).weight
    return [
        Row("the same second again, from memory", f"{1e6 * cached.milliseconds:,.0f} ns"),
        Row(
            "setting up a new style (cards, of 33)",
            f"{statistics.median(cold):.1f} ms, {weight / 1000:.0f} kB",
        ),
    ]


def _cold(font: str, background: str) -> float:
    start = time.process_time()
    StyleKit(TimerStyle(template="cards", font=font, background=background, width=601))
    return 1000 * (time.process_time() - start)


def _unique(style: TimerStyle) -> Cost:
    kit = StyleKit(style)
    dice = random.Random(5)  # noqa: S311 - a sample
    for _ in range(2000):  # a style that is in use has its minute turns ready
        kit.gif(dice.randrange(3600, 99 * DAY))
    return _cost(kit.gif, 300)


def _cost(draw: Callable[[int], bytes], times: int) -> Cost:
    dice = random.Random(6)  # noqa: S311 - a sample
    spent, sizes = [], []
    for _ in range(ROUNDS if times > 1 else 3):
        chosen = [dice.randrange(3600, 99 * DAY) for _ in range(times)]
        start = time.process_time()
        sizes = [len(draw(remaining)) for remaining in chosen]
        spent.append((time.process_time() - start) / times)
    return Cost(1000 * statistics.median(spent), statistics.mean(sizes))


def _ready_palette_pictures() -> Callable[[int], bytes]:
    """The straightforward way at its best: palette pictures (64 colours for all) are ready, saving them is measured."""
    painted = _frames(300_000)
    shared = painted[0].quantize(64)
    ready = [frame.quantize(palette=shared, dither=Image.Dither.NONE) for frame in painted]
    return lambda _: _saved(ready)


def _knowing(remaining: int) -> bytes:
    """Pillow with all that we know of it: our few colours, our parts, and its search for unused colours turned off."""
    kit = timer.kit_of(STYLE)
    return _saved([kit.picture(remaining - second) for second in range(FRAMES)], optimize=False)


def _painted(remaining: int) -> bytes:
    """What a first version does: every frame painted in full colour, then saved."""
    return _saved(_frames(remaining))


def _saved(frames: list[Image.Image], **options: bool) -> bytes:
    target = io.BytesIO()
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:], duration=1000, **options)
    return target.getvalue()


def _frames(remaining: int) -> list[Image.Image]:
    font = ImageFont.truetype(BY_NAME["Montserrat"].path(700), 58)
    font.set_variation_by_name("Bold")
    label = font.font_variant(size=13)
    frames = []
    for second in range(FRAMES):
        frame = Image.new("RGB", STYLE.size, "#fff")
        pen = ImageDraw.Draw(frame)
        left = remaining - second
        values = (left // DAY, left // 3600 % 24, left // 60 % 60, left % 60)
        for unit, (value, text) in enumerate(zip(values, STYLE.labels or (), strict=True)):
            x = 20 + unit * 144
            pen.rounded_rectangle((x, 14, x + 128, 100), 12, fill="#111827")
            pen.text((x + 64, 57), f"{value:02d}", fill="#fff", font=font, anchor="mm")
            pen.text((x + 64, 120), text, fill="#111827", font=label, anchor="mm")
        frames.append(frame)
    return frames


def _against_node(ours: Cost, scratch: Path) -> Row:
    """gifencoder and a canvas, where node and npm are there and npm can install the two."""
    what = "the same"
    if not (shutil.which("node") and shutil.which("npm")):
        return Row(what, str(ours), "Node, gifencoder + canvas: node and npm are absent")
    folder = scratch / "node"
    folder.mkdir()
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", *NODE_PACKAGES]
    if subprocess.run(install, cwd=folder, capture_output=True, timeout=300, check=False).returncode:
        return Row(
            what, str(ours), f"Node, gifencoder + canvas: npm could not install {' and '.join(NODE_PACKAGES)}"
        )
    script, font = Path(__file__).with_name("timer.mjs"), BY_NAME["Montserrat"].path(700)
    run = subprocess.run(
        ["node", script, folder, font, str(FRAMES)], capture_output=True, text=True, timeout=300, check=True
    )
    told = json.loads(run.stdout)
    node = Cost(told["milliseconds"], told["bytes"])
    return Row(what, str(ours), f"Node, gifencoder + canvas: {node}", node.milliseconds / ours.milliseconds)
