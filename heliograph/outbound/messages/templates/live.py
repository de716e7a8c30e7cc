"""Live pictures in templates: tags that write a published picture's `img`, with our own reference in its URL.

    {% timer "ID", exp: event.expires_at, alt: "Your cart is kept until then" %}
    {% progress "ID", cur: person.points, width: 600, height: 80 %}
    {% poll "ID", option: 1 %}                       one for each option
    {% conditional "ID", cake: person.favourite %}

`width`, `height` and `alt` are the picture's; `link` is where it leads (polls and conditional pictures lead where they
were published to lead). Every other name is a parameter of the URL. What a template does not know about a picture it
does not need to: the same tag works for whatever was published under that id. Where no HTML is written the tag writes
the `alt` text alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, NamedTuple, TextIO

from liquid import RenderContext, Token
from liquid.ast import Node
from liquid.builtin.expressions import KeywordArgument, parse_primitive
from liquid.exceptions import LiquidTypeError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.token import TOKEN_TAG
from liquid.undefined import is_undefined

from heliograph import slots
from heliograph.outbound.messages.templates.filters import instant

VALUE_LIMIT = 500
"""Characters of one parameter: URLs of more than two thousand are cut by mail clients."""
OPTIONS = 1_000

_OWN = ("width", "height", "alt", "link", "option")


class Live(NamedTuple):
    """Where live pictures are, for one message: what URLs of pictures and of links begin with, and its reference."""

    picture: str
    click: str
    reference: str


class SlotNode(Node):
    """One picture."""

    __slots__ = ("arguments", "door", "image", "linked")

    def __init__(
        self,
        token: Token,
        door: slots.Door,
        linked: bool,
        image: Expression,
        arguments: list[KeywordArgument],
    ) -> None:
        super().__init__(token)
        self.door, self.linked, self.image, self.arguments = door, linked, image, arguments
        self.blank = False

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        """Write it."""
        said = dict(argument.evaluate(context) for argument in self.arguments)
        image = self._text("the id", self.image.evaluate(context))
        alt = self._text("alt", said.get("alt", ""))
        if not context.autoescape:
            return buffer.write(alt)
        live: Live | None = getattr(context, "live", None)
        if live is None:
            raise LiquidTypeError("there are no live pictures here", token=self.token)
        parameters = [*self._parameters(said, context), (slots.REFERENCE, live.reference)]
        option = self._whole("option", said["option"], OPTIONS) if "option" in said else None
        if self.door is slots.POLL and option is None:
            raise LiquidTypeError("a poll needs an option: 1, 2 ...", token=self.token)
        source = slots.picture_url(live.picture, self.door, image, parameters, option)
        html = f'<img src="{escape(source)}" alt="{escape(alt)}" border="0" style="display:block;border:0"'
        for side in ("width", "height"):
            if side in said:
                html += f' {side}="{self._whole(side, said[side], 10_000)}"'
        return buffer.write(self._in_link(html + ">", image, live, parameters, option, said))

    def expressions(self) -> Iterable[Expression]:
        """What the tag is given."""
        yield self.image
        for argument in self.arguments:
            yield argument.value

    def _in_link(
        self,
        html: str,
        image: str,
        live: Live,
        parameters: slots.Parameters,
        option: int | None,
        said: Mapping[str, Any],
    ) -> str:
        """Our own links are votes and choices, which count by themselves; another is tracked like any link."""
        if self.linked:
            url = slots.link_url(live.click, self.door, image, parameters, option)
            return f'<a href="{escape(url)}" data-notrack>{html}</a>'
        if said.get("link"):
            return f'<a href="{escape(self._text("link", said["link"]))}">{html}</a>'
        return html

    def _parameters(self, said: Mapping[str, Any], context: RenderContext) -> list[tuple[str, str]]:
        """What the URL says; what is empty is left out, and the published content stands in."""
        made = []
        for name, value in said.items():
            if name in _OWN or name == slots.REFERENCE or value is None:
                continue
            text = self._deadline(value, context) if self._counts_to(name) else self._text(name, value)
            if text:
                made.append((name, text[:VALUE_LIMIT]))
        return made

    def _counts_to(self, name: str) -> bool:
        return self.door is slots.TIMER and name == "exp"

    def _deadline(self, value: object, context: RenderContext) -> str:
        """An instant as a timer's URL has it; in the account's zone where the value has none."""
        if is_undefined(value):
            return self._text("exp", value)
        now = context.resolve("now")
        found = instant(value, now) if isinstance(now, datetime) else None
        return found.isoformat(timespec="seconds") if found else ""

    def _text(self, what: str, value: object) -> str:
        if isinstance(value, str) or is_undefined(value):
            return str(value)  # of a name that does not exist this is the error that says so
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
            return f"{value}"
        raise LiquidTypeError(f"{what} must be a text or a number", token=self.token)

    def _whole(self, what: str, value: object, most: int) -> int:
        number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() else value
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            raise LiquidTypeError(f"{what} must be a whole number from 1 to {most}", token=self.token)
        return number


class _SlotTag(Tag):
    """A tag of one kind of pictures."""

    block = False
    door: slots.Door
    linked = False

    def parse(self, stream: TokenStream) -> Node:
        """The id, then named values."""
        token = stream.eat(TOKEN_TAG)
        tokens = stream.into_inner(tag=token, eat=False)
        image = parse_primitive(self.env, tokens)
        return SlotNode(token, self.door, self.linked, image, KeywordArgument.parse(self.env, tokens))


class TimerTag(_SlotTag):
    """`{% timer %}`"""

    name = "timer"
    door = slots.TIMER


class ProgressTag(_SlotTag):
    """`{% progress %}`"""

    name = "progress"
    door = slots.PROGRESS


class PollTag(_SlotTag):
    """`{% poll %}`"""

    name = "poll"
    door = slots.POLL
    linked = True


class ConditionalTag(_SlotTag):
    """`{% conditional %}`"""

    name = "conditional"
    door = slots.CONDITIONAL
    linked = True


SLOT_TAGS: tuple[type[Tag], ...] = (TimerTag, ProgressTag, PollTag, ConditionalTag)
