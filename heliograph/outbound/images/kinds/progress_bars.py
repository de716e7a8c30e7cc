"""Progress bars (PER-9): linear and circular, a value from the URL, the published range where that says nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from heliograph import slots
from heliograph.outbound.images import bars
from heliograph.outbound.images.attributes import Attributes
from heliograph.outbound.images.bars.style import (
    LEAST_HEIGHT,
    LEAST_WIDTH,
    MOST_HEIGHT,
    MOST_TEXT,
    MOST_WIDTH,
    BarStyle,
)
from heliograph.outbound.images.kinds.kind import (
    MERGE_VALUE,
    Drawn,
    Kind,
    Look,
    Place,
    Preview,
    Shown,
    Slot,
    Template,
    Tools,
    always,
    consults_nothing,
    image,
    leads_nowhere,
    no_options,
    nothing_odd,
    read_template,
)
from heliograph.outbound.images.lettering.families import BY_NAME, DEFAULT

PNG = "image/png"
RANGE = 10**12  # S2 says integer; whatever is counted is less than this

COLOURS = {
    "background": "background",
    "progressFill": "progress_fill",
    "progressBackground": "progress_background",
    "progressValue": "progress_value",
    "minimumValue": "minimum_value",
    "maximumValue": "maximum_value",
    "borderColor": "border_color",
}
"""What S2:L270-L275 calls a colour, and our own border's, to the style's names."""

TEMPLATES = (
    Template("linear_progress_bar", tuple(COLOURS)),
    Template("circular_progress_bar", tuple(COLOURS)),
)
SHAPES: dict[str, tuple[Literal["linear", "circular"], int, int]] = {
    "linear_progress_bar": ("linear", 600, 80),
    "circular_progress_bar": ("circular", 240, 240),
}
"""Shape, and width and height in CSS pixels where none are given."""

VALUES: tuple[Literal["value", "percent", "of", "none"], ...] = ("value", "percent", "of", "none")
THOUSANDS: tuple[Literal[",", ".", " ", ""], ...] = (",", ".", " ", "")


class ProgressBar(msgspec.Struct, frozen=True, kw_only=True):
    """A published bar."""

    template: str
    style: BarStyle


def read(said: Attributes) -> ProgressBar:
    """S2:L264-L276, and the style's own choices."""
    template = read_template(said, TEMPLATES)
    shape, width, height = SHAPES[template.id]
    least = said.integer("minimumValue", None, least=-RANGE, most=RANGE)
    most = said.integer("maximumValue", None, least=-RANGE, most=RANGE)
    if "minimumValue" in said and "maximumValue" in said and least >= most:
        said.fault("maximumValue", "must be more than minimumValue")
    colours = {COLOURS[name]: value for name, value in said.colours("colors", template.colours).items()}
    chosen: dict[str, Any] = {
        "shape": shape,
        "minimum": least,
        "maximum": most,
        "width": said.integer("width", width, least=LEAST_WIDTH, most=MOST_WIDTH),
        "height": said.integer("height", height, least=LEAST_HEIGHT, most=MOST_HEIGHT),
        "scale": said.integer("scale", 1, least=1, most=3),
        "thickness": said.integer("thickness", 0, least=0, most=MOST_HEIGHT),
        "rounded": said.flag("rounded", True),
        "border": said.integer("border", 0, least=0, most=20),
        "value": said.choice("valueFormat", VALUES, "value"),
        "before": said.text("valuePrefix", "", limit=MOST_TEXT),
        "after": said.text("valueSuffix", "", limit=MOST_TEXT),
        "thousands": said.choice("thousandsSeparator", THOUSANDS, ","),
        "ends": said.flag("showRange", True),
        "font": said.choice("font", BY_NAME, DEFAULT),
        "text_size": said.integer("textSize", 0, least=0, most=200),
        **colours,
    }
    return ProgressBar(template=template.id, style=said.made(BarStyle, chosen, at=""))


def sample(said: Attributes, bar: ProgressBar, preview: bool) -> str:
    """The value that a preview shows: halfway where none is given."""
    if not preview:
        said.raw("preview")  # as S2 says: the same body but for this
        return ""
    shown = said.inside("preview")
    halfway = (bar.style.minimum + bar.style.maximum) // 2
    value = shown.integer("progressValue", int(halfway), least=-RANGE, most=RANGE)
    if not bar.style.minimum <= value <= bar.style.maximum:
        shown.warn("progressValue", "is outside the range and is shown at its end")
    return str(value)


def preview(_: ProgressBar, __: str) -> Preview:
    """One picture."""
    return Preview({"": PNG}, {})


async def draw(bar: ProgressBar, _: str, sample: str, __: int, ___: Tools) -> Drawn:
    """The bar at a sample value; at its minimum where there is none."""
    return _drawn(bar, bars.values({"cur": sample}, bar.style))


def published(bar: ProgressBar, place: Place) -> Mapping[str, Any]:
    """S2:L359-L379."""
    return image(_url(bar, place), PNG)


def slot(bar: ProgressBar, place: Place) -> Sequence[Slot]:
    """One picture; it leads nowhere."""
    return (Slot(_url(bar, place), None, (bar.style.width, bar.style.height), "Progress"),)


async def show(bar: ProgressBar, look: Look, _: Tools) -> Shown:
    """The bar at the value that the URL says. Fetched ahead it is as right as later: it depends on no clock."""
    progress = bars.values(look.parameters, bar.style)
    return Shown(_drawn(bar, progress), "progress", look.parameters.get("cur", ""))


def _url(bar: ProgressBar, place: Place) -> str:
    parameters = (
        ("min", f"{bar.style.minimum:.0f}"),
        ("max", f"{bar.style.maximum:.0f}"),
        ("cur", place.value("cur", MERGE_VALUE)),
    )
    return place.picture_url(slots.PROGRESS, parameters)


def _drawn(bar: ProgressBar, progress: bars.Progress) -> Drawn:
    return Drawn(PNG, bars.png(bar.style, *progress))


KIND = Kind(
    name="progress_bars",
    segment="progress-bars",
    door=slots.PROGRESS,
    templates=TEMPLATES,
    definition=ProgressBar,
    read=read,
    sample=sample,
    preview=preview,
    reduced=always,
    draw=draw,
    published=published,
    slots=slot,
    show=show,
    land=leads_nowhere,
    options=no_options,
    consults=consults_nothing,
    check=nothing_odd,
)
