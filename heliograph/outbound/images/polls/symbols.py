"""The symbols that are voted with: faces, thumbs and a star, drawn for this project as SVG.

Each stands in a square of 100 by 100. They are our own, so that no font of a mail client and no licence decides how
they look; light comes from above in all of them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import resvg_py
from PIL import Image

from heliograph.outbound.images.kept import Kept

KEPT_BYTES = 4_000_000

_rasters: Kept[tuple[str, int], Image.Image] = Kept(KEPT_BYTES, lambda image: 4 * image.width * image.height)


def symbol(name: str, pixels: int) -> Image.Image:
    """A symbol in a square of so many pixels, on a transparent ground. Do not draw on it: it is kept."""
    return _rasters.get((name, pixels)) or _rasters.put((name, pixels), _drawn(name, pixels))


def _drawn(name: str, pixels: int) -> Image.Image:
    markup = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{SYMBOLS[name]}</svg>'
    png = resvg_py.svg_to_bytes(svg_string=markup, width=pixels, skip_system_fonts=True)
    return Image.open(io.BytesIO(png), formats=["PNG"]).convert("RGBA")


def _face(features: str, top: str = "#FFE680", middle: str = "#FFCB3D", rim: str = "#F0A11E") -> str:
    return f"""
      <defs>
        <radialGradient id="skin" cx="46%" cy="32%" r="72%">
          <stop offset="0" stop-color="{top}"/><stop offset=".62" stop-color="{middle}"/>
          <stop offset="1" stop-color="{rim}"/>
        </radialGradient>
      </defs>
      <circle cx="50" cy="50" r="47" fill="url(#skin)"/>{features}"""


def _disc(icon: str, top: str, bottom: str) -> str:
    return f"""
      <defs>
        <linearGradient id="disc" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/>
        </linearGradient>
      </defs>
      <circle cx="50" cy="50" r="47" fill="url(#disc)"/><g fill="#FFFFFF">{icon}</g>"""


_EYES = '<ellipse cx="33" cy="41" rx="5.6" ry="7.6" fill="#5A3413"/><ellipse cx="67" cy="41" rx="5.6" ry="7.6" fill="#5A3413"/>'
_CHEEKS = '<g fill="#FF8A5C" opacity=".38"><ellipse cx="20.5" cy="57" rx="8" ry="5.4"/><ellipse cx="79.5" cy="57" rx="8" ry="5.4"/></g>'
_HEART = "M0 10 C-16 -1 -11.5 -12.5 -4.8 -12.5 C-2 -12.5 -.5 -10.6 0 -9 C.5 -10.6 2 -12.5 4.8 -12.5 C11.5 -12.5 16 -1 0 10 Z"
_LAUGH = "M24 55 Q50 61.5 76 55 Q77 83 50 84 Q23 83 24 55 Z"
_SMILE = f"""
  <clipPath id="mouth"><path d="{_LAUGH}"/></clipPath>
  <path d="{_LAUGH}" fill="#7A2E14"/>
  <g clip-path="url(#mouth)">
    <path d="M20 50 H80 V63 Q50 70.5 20 63 Z" fill="#FFFFFF"/><ellipse cx="50" cy="85" rx="17" ry="11" fill="#F4645F"/>
  </g>"""
_HAND = """
  <rect x="24.5" y="45" width="11.5" height="29" rx="3.4"/>
  <path d="M40 49.5 C40 47.6 40.4 46.4 41.3 44.8 L50.2 27.4 C51.8 24.2 54.4 22.6 57.4 24.2 C61 26.1 61.3 30 60.5 33.8
           L58.8 42 H71.2 C75.4 42 78 45.4 77.2 49.2 L73.4 67.6 C72.6 71.6 69.8 74 66 74 H49.5 C44 74 40 71.2 40 67.4 Z"/>"""

SYMBOLS: Mapping[str, str] = {
    "delighted": _face(
        _CHEEKS
        + f'<g fill="#EE3B4D"><path transform="translate(31 41)" d="{_HEART}"/><path transform="translate(69 41)" d="{_HEART}"/></g>'
        + _SMILE
    ),
    "happy": _face(_CHEEKS + _EYES + _SMILE),
    "neutral": _face(
        _EYES
        + '<path d="M32 69 H68" fill="none" stroke="#5A3413" stroke-width="5.6" stroke-linecap="round"/>'
    ),
    "sad": _face(
        '<ellipse cx="33" cy="46" rx="5.6" ry="7.6" fill="#5A3413"/><ellipse cx="67" cy="46" rx="5.6" ry="7.6" fill="#5A3413"/>'
        '<g fill="none" stroke="#5A3413" stroke-linecap="round"><path d="M31 77 Q50 60.5 69 77" stroke-width="5.6"/>'
        '<path d="M23 34.5 Q29.5 33 36 27.5 M77 34.5 Q70.5 33 64 27.5" stroke-width="4.4"/></g>'
    ),
    "angry": _face(
        '<ellipse cx="33" cy="49" rx="5.6" ry="7" fill="#4A160C"/><ellipse cx="67" cy="49" rx="5.6" ry="7" fill="#4A160C"/>'
        '<g fill="none" stroke="#4A160C" stroke-linecap="round"><path d="M33 76 Q50 64.5 67 76" stroke-width="5.6"/>'
        '<path d="M22 33.5 Q31 41.5 42 42 M78 33.5 Q69 41.5 58 42" stroke-width="5"/></g>',
        top="#FFB08A",
        middle="#F4643F",
        rim="#D23A23",
    ),
    "up": _disc(_HAND, "#35C97B", "#149A55"),
    "down": _disc(f'<g transform="matrix(1 0 0 -1 0 98)">{_HAND}</g>', "#FF7A70", "#DD3E3A"),
    "star": """
      <defs>
        <linearGradient id="gold" x1="0" y1="0" x2="0" y2="1">
          <stop offset="0" stop-color="#FFDD55"/><stop offset="1" stop-color="#FFAE1A"/>
        </linearGradient>
      </defs>
      <path d="M50 8.5 L62.6 34.2 L90.9 38.3 L70.4 58.3 L75.3 86.5 L50 73.2 L24.7 86.5 L29.6 58.3 L9.1 38.3 L37.4 34.2 Z"
            fill="url(#gold)" stroke="url(#gold)" stroke-width="7" stroke-linejoin="round"/>""",
}
