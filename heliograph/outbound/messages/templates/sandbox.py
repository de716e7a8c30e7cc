"""Liquid in a box: what a template may cost, and what happens to what it names wrongly.

Templates are written by people of the account, and filled with what strangers sent. So values are escaped in HTML
by default, a name that does not exist is an error with its place rather than a hole in the text, there is no way
to load or include anything, and what one rendering may consume is bounded: source, output, variables, loop turns,
steps, and seconds. python-liquid limits loops and output; the rest is added here and in
`heliograph.outbound.messages.templates.filters`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from io import StringIO
from time import thread_time
from typing import Any, NamedTuple, TextIO

from liquid import BoundTemplate, Environment, FalsyStrictUndefined, RenderContext, Token
from liquid.ast import Node
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression

from heliograph.clock import Clock
from heliograph.events.messages import RenderError
from heliograph.outbound.messages.templates.filters import OUTPUT_LIMIT, date, guarded
from heliograph.outbound.messages.templates.live import SLOT_TAGS, Live
from heliograph.outbound.messages.templates.origin import Origin

SOURCE_LIMIT = 512 * 1024
"""Characters of one part's source. The largest real templates are under 150 kB."""
TURNS_LIMIT = 10_000
"""Turns of all loops of one part together, and elements of a range or of a list that a filter takes."""
STEPS_LIMIT = 2_000_000
"""Turns of all loops times the tags of the source: no rendering works much longer than a quarter of a second."""
SECONDS_LIMIT = 0.5
"""Seconds that one part may take, looked at with every filter, variable and loop. Real ones take milliseconds. They are over
when the clock says so and the thread has worked for so long: that a machine stood still is no fault of a template's."""
MESSAGE_LIMIT = 500
"""Characters of an error's message."""

_TAG = re.compile(r"\{[{%]")
_BLOCK = re.compile(r"\{%-?\s*(end)?(\w+)")
_MISSING = re.compile(r"expected tag end(\w+), found")


class BoundedRange(RangeLiteral):
    """`(1..n)` for an `n` that may come from anybody."""

    __slots__ = ()

    def _make_range(self, start: Any, stop: Any) -> range:
        made: range = super()._make_range(start, stop)
        if made and made[-1] - made[0] >= TURNS_LIMIT:
            raise ResourceLimitError(f"a range has more than {TURNS_LIMIT:,} elements", token=self.token)
        return made


class Budget:
    """What one rendering may still use up."""

    def __init__(self, clock: Clock, tags: int) -> None:
        self._clock = clock
        self._until = clock.monotonic() + SECONDS_LIMIT
        self._worked_until = thread_time() + SECONDS_LIMIT
        self._turns = min(TURNS_LIMIT, STEPS_LIMIT // max(tags, 1))
        self._characters = OUTPUT_LIMIT

    def turn(self, times: int) -> None:
        """A loop of so many turns begins."""
        self._turns -= times
        if self._turns < 0:
            raise ResourceLimitError("the loops take more turns than allowed", token=None)
        self.look()

    def write(self, characters: int) -> None:
        """So many characters come out."""
        self._characters -= characters
        if self._characters < 0:
            raise ResourceLimitError(f"more than {OUTPUT_LIMIT:,} characters come out", token=None)

    def look(self) -> None:
        """Look at the clock."""
        if self._clock.monotonic() > self._until and thread_time() > self._worked_until:
            raise ResourceLimitError(f"it takes longer than {SECONDS_LIMIT:g} seconds", token=None)


class Output(StringIO):
    """A buffer that is paid for from the budget."""

    def __init__(self, budget: Budget) -> None:
        super().__init__()
        self._budget = budget

    def write(self, text: str) -> int:
        self._budget.write(len(text))
        return super().write(text)


class Context(RenderContext):
    """python-liquid's context, with a budget, and with where live pictures are."""

    __slots__ = ("budget", "live")
    budget: Budget
    live: Live | None

    def raise_for_loop_limit(self, length: int = 1) -> None:
        self.budget.turn(length)

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return Output(self.budget)

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        self.budget.look()
        found: Callable[..., object] = super().filter(name, token)
        return found

    def assign(self, key: str, val: Any) -> None:
        self.budget.look()
        super().assign(key, val)


class Sandbox(Environment):
    """The Liquid that templates are written in: the standard tags and filters without partials, and live pictures."""

    local_namespace_limit = OUTPUT_LIMIT
    block_nesting_limit = 50
    template_class = BoundTemplate

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        del self.tags["include"], self.tags["render"]
        for tag in SLOT_TAGS:
            self.add_tag(tag)
        self.add_filter("raw", self.filters["safe"])
        self.add_filter("date", date)
        for name, function in self.filters.items():
            self.filters[name] = guarded(name, function)


HTML = Sandbox(undefined=FalsyStrictUndefined, autoescape=True)
"""For what is shown as HTML: values are escaped; `| safe` (or `| raw`) lets one through as it is."""
TEXT = Sandbox(undefined=FalsyStrictUndefined, autoescape=False)
"""For subjects and plain text."""


class Name(NamedTuple):
    """A name that a template uses (`person`, `first_name`), and where. A path's index that is itself looked up is no
    text."""

    path: tuple[object, ...]
    line: int
    column: int


class Source:
    """One part of a template, parsed: may be rendered any number of times."""

    def __init__(self, template: BoundTemplate, text: str, origin: Origin) -> None:
        self.text = text
        """What is rendered: made from what was written."""
        self._template = template
        self._tags = len(_TAG.findall(text))
        self._origin = origin

    def render(
        self, values: Mapping[str, object], clock: Clock, part: str, live: Live | None = None
    ) -> str | RenderError:
        """The text for these values, or what is wrong and where. `live`: where live pictures are; None: nowhere."""
        budget = Budget(clock, self._tags)
        context = Context(self._template, globals=values)
        context.budget, context.live = budget, live
        output = Output(budget)
        try:
            self._template.render_with_context(context, output)
        except LiquidError as error:
            return _explained(error, part, self._origin)
        except Exception as error:  # what a filter makes of values nobody thought of is the template's fault
            message = f"{type(error).__name__}: {error}"[:MESSAGE_LIMIT]
            return RenderError(code="Template merge exception", message=message, part=part)
        return _clean(output.getvalue())

    def mentions(self, name: str) -> bool:
        """Whether the template uses a variable of that name."""
        return name in self._template.global_variables()

    def names(self) -> list[Name]:
        """Every name from outside that the template uses, in order."""
        used = (variable for found in self._template.analyze().globals.values() for variable in found)
        named = (Name(tuple(one.segments), *self._origin.place(one.span.index)) for one in used)
        return sorted(named, key=lambda name: (name.line, name.column))


def parse(source: str, environment: Sandbox, part: str, origin: Origin | None = None) -> Source | RenderError:
    """Parse one part (`SUBJECT`, `BODY`, `TEXT` ...), or say what is wrong and where. `origin`: what it was made
    from; None: it is as it was written."""
    origin = origin or Origin(source)
    if len(source) > SOURCE_LIMIT:
        return RenderError(
            code="Template limit exceeded",
            message=f"{part} has more than {SOURCE_LIMIT:,} characters",
            part=part,
        )
    try:
        template = environment.from_string(source)
    except LiquidError as error:
        return _left_open(error, source, part, origin) or _explained(error, part, origin)
    except RecursionError:
        return RenderError(code="Template syntax error", message="it is nested too deeply", part=part)
    _bound_ranges(template)
    return Source(template, source, origin)


def _bound_ranges(template: BoundTemplate) -> None:
    # python-liquid offers no way to register another range; the class of those it has made can be changed.
    context = RenderContext(template)
    for expression in _expressions(template.nodes, context):
        if type(expression) is RangeLiteral:
            expression.__class__ = BoundedRange


def _expressions(nodes: list[Node], context: RenderContext) -> Iterator[Expression]:
    waiting: list[Node | Expression] = list(nodes)
    while waiting:
        found = waiting.pop()
        if isinstance(found, Expression):
            yield found
            waiting.extend(found.children())
        else:
            waiting.extend(found.children(context, include_partials=False))
            waiting.extend(found.expressions())


def _explained(error: LiquidError, part: str, origin: Origin) -> RenderError:
    limit = isinstance(error, ResourceLimitError)
    syntax = "Syntax" in type(error).__name__
    code = (
        "Template limit exceeded"
        if limit
        else "Template syntax error"
        if syntax
        else "Template merge exception"
    )
    line, column = _place(error.token, origin)
    return RenderError(
        code=code, message=str(error.message or code)[:MESSAGE_LIMIT], part=part, line=line, column=column
    )


def _left_open(error: LiquidError, source: str, part: str, origin: Origin) -> RenderError | None:
    """A block without its end is noticed at the end of the text, which helps nobody: this says where it begins."""
    wanted = _MISSING.match(str(error.message))
    begun: list[int] = []
    for tag in _BLOCK.finditer(source) if wanted else ():
        end, name = tag.groups()
        if wanted and name == wanted[1] and end and begun:
            begun.pop()
        elif wanted and name == wanted[1] and not end:
            begun.append(tag.start())
    if not wanted or not begun:
        return None
    line, column = origin.place(begun[-1])
    why = f"the block {wanted[1]} has no end{wanted[1]}"
    return RenderError(code="Template syntax error", message=why, part=part, line=line, column=column)


def _place(token: Token | None, origin: Origin) -> tuple[int | None, int | None]:
    return (None, None) if token is None or token.start_index < 0 else origin.place(token.start_index)


def _clean(text: str) -> str:
    # NUL is forbidden in mail (RFC 5322 section 4); a lone surrogate cannot be written in UTF-8.
    text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
