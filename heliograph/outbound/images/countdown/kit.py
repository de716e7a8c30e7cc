"""A style made ready: everything that its GIFs have in common, so that a request only puts parts together.

Frame 0 is the whole picture in one image block, right by itself for readers that show no other (Outlook for Windows). Its
rows above and below the moving band are compressed once; the band is compressed for each request and joined to them. A
later frame is one image that covers what changed, shown for a second. The 59 that lead from second 59 of any minute to
second 0 are the same for every deadline, so they are one run of bytes; those at which minutes change are kept as they
are needed. Disposal is 1 (leave in place) throughout, nothing is transparent, and the GIF plays once (PER-6).

Where the time goes: some 15 ms to set up a style, 0.2 ms for a GIF, most of it the compression of one band.
"""

from __future__ import annotations

from itertools import count

from PIL import Image, ImageChops

from heliograph.outbound.images.countdown import lzw
from heliograph.outbound.images.countdown.blocks import SECOND, TRAILER, control, descriptor, header
from heliograph.outbound.images.countdown.boxes import boxes
from heliograph.outbound.images.countdown.canvas import Palette
from heliograph.outbound.images.countdown.dial import Dial, Parts
from heliograph.outbound.images.countdown.layout import laid_out
from heliograph.outbound.images.countdown.notice import Notice, expired
from heliograph.outbound.images.countdown.pictures import backdrop
from heliograph.outbound.images.countdown.rings import rings
from heliograph.outbound.images.countdown.style import SECONDS, TimerStyle

MOST_TURNS = 200  # frames kept at which more than the seconds change; 44 cover 99 days of digits
TURNS_BYTES = 60_000  # what these and the digits take, about


_numbers = count()


class StyleKit:
    """One style's ready parts. `number` tells it from every other kit of this process."""

    def __init__(self, style: TimerStyle) -> None:
        self.number = next(_numbers)
        self.style = style
        self.palette = Palette()
        layout = laid_out(style)
        picture = backdrop(style)
        self.dial: Dial = (
            rings(style, layout, self.palette)
            if style.template == "ring"
            else boxes(style, layout, self.palette, picture)
        )
        self.expired: Notice | None = expired(style)
        bits, top, bottom = self.palette.bits, self.dial.top, self.dial.top + self.dial.height
        self._bits = bits
        self._head = header(style.size, bits, self.palette.table)
        self._above = lzw.band(self.dial.rows(0, top), bits)
        self._empty = self.dial.rows(top, bottom)
        self._below = lzw.last_band(self.dial.rows(bottom, style.size[1]), bits)
        self._turns: dict[Parts, bytes] = {}
        self._steps = [SECONDS[unit] for unit in style.units]
        self._run, self._at = self._ready_run() if style.units[-1] == "seconds" else (b"", [])

    @property
    def weight(self) -> int:
        """About the bytes it holds in memory."""
        style, expired = self.style, self.expired
        drawn = [self.dial.still, self._empty, *([expired.indexes] if expired else [])]
        uploaded = [style.background_picture, style.expired_picture, style.fallback_picture]
        held = sum(picture.width * picture.height for picture in drawn) + sum(
            map(len, filter(None, uploaded))
        )
        return held + len(self._run) + TURNS_BYTES

    def gif(self, remaining: int) -> bytes:
        """The animation from this many seconds on; below zero the message alone."""
        if remaining < 0 and self.expired:
            return self.expired.gif()
        remaining = max(0, min(remaining, self.style.longest))
        if not self._run:
            return self._slow_gif(remaining)
        last = max(0, remaining - self.style.frames + 1)
        pieces = [self._head, control(SECOND), self._whole_image(remaining)]
        shown, second = remaining, remaining % 60
        while shown > last:
            if second:
                count = min(second, shown - last)
                pieces.append(self._run[self._at[second - 1] : self._at[second - count - 1]])
                shown, second = shown - count, second - count
            else:
                shown, second = shown - 1, 59
                pieces.append(control(SECOND) + self._turn(shown))
        if self.expired and remaining - self.style.frames + 1 < 0:
            pieces += (control(SECOND), self.expired.image())
        pieces.append(TRAILER)
        return b"".join(pieces)

    def picture(self, remaining: int) -> Image.Image:
        """The whole face at this many seconds as a palette picture: what every frame of a GIF must equal."""
        drawn = self.dial.still.copy()
        drawn.paste(self._band(self._parts(max(0, min(remaining, self.style.longest)))), (0, self.dial.top))
        coloured = Image.frombytes("P", drawn.size, drawn.tobytes())
        coloured.putpalette(self.palette.table)
        return coloured

    def _slow_gif(self, remaining: int) -> bytes:
        """Without seconds a frame stands until the last unit changes."""
        step, end = self._steps[-1], self.style.frames - 1
        changes = [(at, remaining - at) for at in range(remaining % step + 1, min(end, remaining) + 1, step)]
        frames = [(0, self._whole_image(remaining)), *((at, self._turn(left)) for at, left in changes)]
        if self.expired and end > remaining:
            frames.append((remaining + 1, self.expired.image()))
        until = [at for at, _ in frames[1:]] + [max(end, frames[-1][0] + 1)]
        pieces = [
            control(SECOND * (following - at)) + image
            for (at, image), following in zip(frames, until, strict=True)
        ]
        return b"".join((self._head, *pieces, TRAILER))

    def _parts(self, remaining: int) -> Parts:
        values = []
        for step in self._steps:
            value, remaining = divmod(remaining, step)
            values.append(value)
        return self.dial.parts(values)

    def _band(self, parts: Parts) -> Image.Image:
        """The rows in which something changes, showing these parts."""
        rows, part = self._empty.copy(), self.dial.part
        for x, which in parts:
            rows.paste(part(which), (x, 0))
        return rows

    def _whole_image(self, remaining: int) -> bytes:
        middle = lzw.band(self._band(self._parts(remaining)), self._bits)
        return descriptor((0, 0), self.style.size) + lzw.joined(self._bits, self._above, middle, self._below)

    def _turn(self, remaining: int) -> bytes:
        """The image at which more than the last digits change; how it looks depends on the parts that change."""
        before, after = self._parts(remaining + 1), self._parts(remaining)
        key = tuple(new for new in after if new not in before)
        if key not in self._turns:
            if len(self._turns) >= MOST_TURNS:
                self._turns.clear()
            self._turns[key] = self._change(before, after)
        return self._turns[key]

    def _ready_run(self) -> tuple[bytes, list[int]]:
        """The frames that show seconds 58 to 0; where the one that shows s begins is at `[s]`, the end at `[-1]`."""
        pieces, starts, at = [], [0] * 60, 0
        for second in range(58, -1, -1):
            frame = control(SECOND) + self._change(self._parts(second + 1), self._parts(second))
            starts[second] = at
            pieces.append(frame)
            at += len(frame)
        starts[-1] = at
        return b"".join(pieces), starts

    def _change(self, before: Parts, after: Parts) -> bytes:
        """The image that turns one into the other: the box of what differs."""
        new = self._band(after)
        box = ImageChops.difference(self._band(before), new).getbbox() or (0, 0, 1, 1)
        changed = new.crop(box)
        bits = max(2, max(changed.tobytes()).bit_length())
        return descriptor((box[0], self.dial.top + box[1]), changed.size) + lzw.data(changed, bits)
