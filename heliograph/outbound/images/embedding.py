"""The HTML to paste into a mail of somebody else's system, with that system's merge tags in the URLs.

A merge tag stands in a URL as the sender's system wants it, coded for a URL where that system can do so. Who writes
mail with Heliograph needs none of this: its templates have tags of their own (`{% timer %}` and the like).
"""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from heliograph import slots
from heliograph.errors import OperatorError
from heliograph.outbound.images.kinds.kind import Kind, Place, Slot

NAME = "NAME"
"""What stands for the value's name in a sender's pattern."""


class Sender(NamedTuple):
    """How a mail system writes a value of the recipient, and the recipient's own id. `capitals`: names are."""

    name: str
    value: str
    person: str
    capitals: bool = False

    def tag(self, name: str) -> slots.Verbatim:
        """The merge tag for a value; the person's id has one of its own."""
        if name == slots.PERSON:
            return slots.Verbatim(self.person)
        return slots.Verbatim(self.value.replace(NAME, name.upper() if self.capitals else name))


SENDERS = (
    Sender("activecampaign", "%NAME%", "%SUBSCRIBERID%", capitals=True),
    Sender("braze", "{{custom_attribute.${NAME} | url_encode}}", "{{${user_id} | url_encode}}"),
    Sender("campaign-monitor", "[NAME]", "[email]"),
    Sender("customer-io", "{{customer.NAME | url_encode}}", "{{customer.id | url_encode}}"),
    Sender("hubspot", "{{ contact.NAME|urlencode }}", "{{ contact.hs_object_id }}"),
    Sender("iterable", "{{NAME}}", "{{userId}}"),
    Sender("klaviyo", "{{ person|lookup:'NAME'|urlencode }}", "{{ person.KlaviyoID }}"),
    Sender("mailchimp", "*|NAME|*", "*|UNIQID|*", capitals=True),
    Sender("marketo", "{{lead.NAME}}", "{{lead.Id}}"),
    Sender("messagegears", "${Recipient.NAME?url}", "${Gears.recipientId()?url}"),
    Sender("salesforce", "%%NAME%%", "%%_subscriberkey%%"),
    Sender("sendgrid", "{{NAME}}", "{{id}}"),
)
"""The common ones. For any other a pattern can be given: `<<NAME>>`."""


def sender(named: str) -> Sender:
    """One of `SENDERS` by its name, or one that writes values by the pattern given. Raises `OperatorError`."""
    for known in SENDERS:
        if known.name == named:
            return known
    if NAME not in named:
        names = ", ".join(known.name for known in SENDERS)
        raise OperatorError(
            f"there is no sender {named}: {names}; or a pattern with {NAME} in it, such as <<{NAME}>>"
        )
    return Sender("custom", named, named.replace(NAME, slots.PERSON))


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
