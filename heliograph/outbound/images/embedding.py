"""The HTML to paste into a mail of somebody else's system, with that system's merge tags in the URLs.

A merge tag stands in a URL as the sender's system wants it, coded for a URL where that system can do so. Who writes
mail with Heliograph needs none of this: its templates have tags of their own (`{% timer %}` and the like).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from html import escape
from typing import Any

from heliograph import senders, slots
from heliograph.errors import OperatorError
from heliograph.outbound.images.kinds.kind import Kind, Place, Slot
from heliograph.senders import NAME, Sender

Tag = Callable[[str], slots.Verbatim]
"""The merge tag for a value's name."""


def tags(named: str) -> Tag:
    """The merge tags of a common sender, or of one that writes values by the pattern given. Raises `OperatorError`."""
    sender = senders.find(named)
    if sender is None and NAME not in named:
        names = ", ".join(known.name for known in senders.senders())
        raise OperatorError(
            f"there is no sender {named}: {names}; or a pattern with {NAME} in it, such as <<{NAME}>>"
        )
    if sender is None:
        sender = Sender("custom", named, named.replace(NAME, slots.PERSON))
    return partial(_tag, sender)


def _tag(sender: Sender, name: str) -> slots.Verbatim:
    """The person's id has a tag of its own."""
    return slots.Verbatim(sender.person if name == slots.PERSON else sender.tag(name))


def html(kind: Kind[Any], definition: Any, place: Place) -> str:
    """What is pasted: an `img` for each picture, linked where it leads somewhere."""
    return "\n".join(_pasted(slot) for slot in kind.slots(definition, place)) + "\n"


def _pasted(slot: Slot) -> str:
    # `escape` would break merge tags that have quotes or signs in them; they are no HTML, and URLs have none.
    picture = slot.picture.replace("&", "&amp;")
    size = f' width="{slot.size[0]}" height="{slot.size[1]}"' if slot.size else ""
    quote = '"' if '"' not in picture else "'"
    image = f'<img src={quote}{picture}{quote} alt="{escape(slot.alt)}"{size} border="0" style="display:block;border:0">'
    above = f"<p>{escape(slot.above)}</p>\n" if slot.above else ""
    if slot.link is None:
        return above + image
    link = slot.link.replace("&", "&amp;")
    return f"{above}<a href={quote}{link}{quote}>{image}</a>"
