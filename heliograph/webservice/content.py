"""What a job is made of: its template, whom it goes to, and what the template sees beside them.

A template that comes with a call is saved under a name of its content, so that the same content is saved once, however
often it is sent. A campaign is a template that the account has saved itself, by its name.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any, NamedTuple, TypedDict
from urllib.parse import urlsplit

import msgspec

from heliograph.accounts.model import Account
from heliograph.events import codec, subjects
from heliograph.events.definitions import TemplateSaved
from heliograph.events.event import Record, scoped_id
from heliograph.outbound.messages.mail.addresses import mailbox
from heliograph.outbound.messages.mail.headers import added_headers
from heliograph.outbound.messages.templates.compose import Parsed, parse_parts
from heliograph.react.state import definitions
from heliograph.url_parameters import wrong
from heliograph.webservice import documents
from heliograph.webservice.answers import Refused
from heliograph.webservice.call import INVALID, MISSING, NOT_HERE, UNKNOWN, Asked, Means
from heliograph.webservice.substitutions import to_liquid

WHO = (
    ("FromAddress", "from_address"),
    ("FromName", "from_name"),
    ("OnBehalfOfName", "sender_name"),
    ("OnBehalfOfAddress", "sender"),
    ("ReplyToAddress", "reply_to"),
)
"""Who a message is from: parameters, in the order of the vendor's answers, and the settings of a template."""

_NAMES = ("FromName", "OnBehalfOfName")

PREFIX = "webservice-"
"""What the names of templates begin with that came with a call."""

_NOT_DONE = {
    "TemplateLibrary": "templates include no others",
    "TemplateLibraryName": "templates include no others",
    "TemplateLibraryContent": "templates include no others",
}
"""Parameters that would change what is sent, and that we do not do: they are refused, never dropped."""

_OF_TEMPLATES = ("OnBehalfOfAddress", "OnBehalfOfName", "HeaderName", "HeaderValue")
"""Parameters that a saved template says itself, in its settings."""

MOST_HEADERS = 20

PARTS = (("SubjectLine", "subject"), ("HtmlTemplate", "html"), ("TextTemplate", "text"))


class Recipient(NamedTuple):
    """Whom a message goes to. `fields`: all that was said of them, as templates see it."""

    address: str
    recipient_id: str | None
    fields: dict[str, Any]


class Given(TypedDict):
    """What a caller calls a job, in events."""

    correlation_id: str | None
    job_category: str | None


class Template(NamedTuple):
    """A template of a call, in Liquid. `settings`: who it is from."""

    name: str
    parts: dict[str, str]
    settings: dict[str, Any]


def recipient(asked: Asked) -> Recipient:
    """The parameter `RecipientXml`. Raises `Refused`."""
    document = documents.read("RecipientXml", asked.wanted("RecipientXml"))
    if document.root != "Recipient" or not isinstance(document.fields, dict):
        raise Refused(INVALID, "RecipientXml must be one <Recipient> with an <EmailAddress> in it.")
    fields = document.fields
    address = fields.get("EmailAddress")
    if not isinstance(address, str) or mailbox(address) is None:
        raise Refused(INVALID, "RecipientXml: EmailAddress is missing, or is no e-mail address.")
    own = fields.get("RecipientId")
    return Recipient(address, own if isinstance(own, str) and own else None, fields)


def context(asked: Asked) -> dict[str, Any]:
    """What templates see beside the recipient: `ContextData`. Raises `Refused`."""
    text = asked.text("ContextDataXml")
    return {"ContextData": documents.read("ContextDataXml", text).fields} if text else {}


def check(means: Means, asked: Asked) -> None:
    """Raise `Refused` for what we would have to leave out."""
    for field in asked.fields:
        why = _NOT_DONE.get(field.partition(".")[0])
        if why is not None and asked.text(field):
            raise Refused(NOT_HERE, f"{field}: {why}.")
    if asked.text("CharacterSet", "UTF-8").upper() not in ("UTF-8", "UTF8", ""):
        raise Refused(NOT_HERE, "CharacterSet: messages are written in UTF-8.")
    if not asked.flag("AutoTrack", default=True):
        raise Refused(NOT_HERE, "AutoTrack: links are tracked unless the template marks them data-notrack.")
    domain, ours = asked.text("CustomTrackingDomain").lower(), urlsplit(means.base).hostname
    if domain not in ("", ours):
        raise Refused(
            NOT_HERE, f"CustomTrackingDomain: tracked links lead to {ours} (base_url) and nowhere else."
        )


def template(means: Means, asked: Asked) -> Template:
    """The template that a call brings. Raises `Refused`."""
    check(means, asked)
    language = asked.text("TemplateLanguage") or "FREEMARKER"
    asked.wanted("SubjectLine")
    parts = {
        part: to_liquid(language, parameter, asked.fields[parameter])
        for parameter, part in PARTS
        if asked.text(parameter)
    }
    if "html" not in parts and "text" not in parts:
        raise Refused(MISSING, "HtmlTemplate or TextTemplate is required.")
    parsed = parse_parts(parts)
    if not isinstance(parsed, Parsed):
        error = parsed[0]
        raise Refused(error.code, f"{error.part}, line {error.line or 1}: {error.message}")
    settings = _settings(asked)
    content = msgspec.json.encode((sorted(parts.items()), sorted(settings.items())))
    return Template(PREFIX + blake2b(content, digest_size=10).hexdigest(), parts, settings)


def _settings(asked: Asked) -> dict[str, Any]:
    """Who a template of a call is from, and its headers."""
    asked.wanted("FromAddress")
    said = {setting: asked.text(parameter) for parameter, setting in WHO}
    for parameter, setting in WHO:
        if parameter not in _NAMES and said[setting] and mailbox(said[setting]) is None:
            raise Refused(INVALID, f"{parameter} is no e-mail address.")
    if said["sender_name"] and not said["sender"]:
        raise Refused(MISSING, "OnBehalfOfName needs an OnBehalfOfAddress: a Sender header has an address.")
    headers = _headers(asked)
    return {name: value for name, value in said.items() if value} | ({"headers": headers} if headers else {})


def _headers(asked: Asked) -> dict[str, str]:
    """`HeaderName.n` and `HeaderValue.n`. Raises `Refused` for those that no template may set."""
    names, values = asked.numbered("HeaderName", MOST_HEADERS), asked.numbered("HeaderValue", MOST_HEADERS)
    said = {names.get(number, "").strip(): values.get(number, "") for number in sorted(names | values)}
    try:
        return dict(added_headers(said))
    except ValueError as error:
        raise Refused(INVALID, f"HeaderName, HeaderValue: {error}.") from error


def saving(account: Account, template: Template, by: str, now: int) -> Record:
    """The event that saves a call's template; the same content is the same event."""
    saved = TemplateSaved(name=template.name, parts=template.parts, settings=dict(template.settings), by=by)
    return codec.encode(
        codec.make(
            saved,
            account=account.number,
            subject=subjects.thing("template", template.name),
            now=now,
            id=scoped_id(account.number, "web service templates", template.name),
        )
    )


async def campaign(means: Means, asked: Asked) -> definitions.Template:
    """The saved template that `CampaignId` names. Raises `Refused`."""
    check(means, asked)
    for field in asked.fields:
        if field.partition(".")[0] in _OF_TEMPLATES and asked.text(field):
            raise Refused(NOT_HERE, f"{field}: a campaign's own template says it, in its settings.")
    name = asked.wanted("CampaignId")
    found = await means.read(lambda connection: definitions.template(connection, asked.account.number, name))
    if found is None:
        raise Refused(UNKNOWN, f"There is no campaign {name[:80]!r}: campaigns are this account's templates.")
    return found


def url_append(asked: Asked) -> str | None:
    """What links lead with: `UrlAppend`; None: what the template or the account says. Raises `Refused`."""
    said = asked.text("UrlAppend")
    if reason := wrong(said):
        raise Refused(INVALID, f"UrlAppend {reason}.")
    return said or None


def given(asked: Asked) -> Given:
    """What a caller wants to find in every item about the job."""
    return {
        "correlation_id": asked.text("CorrelationId") or None,
        "job_category": asked.text("JobCategory") or None,
    }
