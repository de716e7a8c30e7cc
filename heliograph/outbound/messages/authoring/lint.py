"""What is wrong with a template, or will be in somebody's inbox: findings, each with its place where it has one.

`error`: it cannot be rendered; `warning`: it can, and will disappoint; `hint`: worth a look. Saving refuses errors only.
Nothing is fetched here: `heliograph.outbound.messages.authoring.reach` looks whether pictures can be reached. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import msgspec

from heliograph.outbound.messages.authoring.nesting import misnested
from heliograph.outbound.messages.facts.lookups import RECORDS
from heliograph.outbound.messages.facts.objects import NAMES as OBJECTS
from heliograph.outbound.messages.mail.addresses import mailbox
from heliograph.outbound.messages.mail.attachments import files, listed
from heliograph.outbound.messages.mail.headers import added_headers
from heliograph.outbound.messages.templates import parts as parts_of
from heliograph.outbound.messages.templates.compose import ACCOUNT_FIELDS, PERSON_FIELDS, Parsed, parse_parts
from heliograph.outbound.messages.templates.inlining import too_many
from heliograph.outbound.messages.templates.markup import mask, tags
from heliograph.outbound.messages.templates.origin import line_and_column
from heliograph.outbound.messages.templates.sandbox import Name, Source
from heliograph.url_parameters import wrong

CLIPPED = 102 * 1024
"""Bytes of HTML after which Gmail hides the rest, unsubscribe link and pixel included. Links grow when they are
tracked, so the mail that arrives is larger than the template."""
SUBJECT_SHOWN = 78
"""Characters of a subject that most inboxes show at most."""

Level = Literal["error", "warning", "hint"]

URLS = ("unsubscribe_url", "preferences_url", "confirm_url", "web_copy_url")
KNOWN = frozenset(
    (
        "person",
        "event",
        "account",
        "automation",
        "recipient",
        "now",
        "today",
        "preheader",
        RECORDS,
        *OBJECTS,
        *URLS,
    )
)
"""Names that every message has, but for `event` and `automation`, which those of automations have, and `recipient`: the
row of a bulk send's list."""

SETTINGS: Mapping[str, type] = {
    "from_name": str,
    "from_address": str,
    "reply_to": str,
    "return_path": str,
    "sender": str,
    "sender_name": str,
    "headers": dict,
    "attachments": list,
    "url_append": str,
    "topic": str,
    "inline_css": bool,
    "transactional": bool,
    "tracking_hooks": bool,
    "shorten_links": bool,
    "push_link": str,
    "push_collapse": str,
    "push_data": dict,
    "push_ttl": int,
}

_KINDS = {
    str: "a text",
    bool: "true or false",
    int: "a whole number",
    dict: "an object of texts",
    list: "a list",
}
_STRIPPED = frozenset(("script", "iframe", "form", "object", "embed", "video", "audio", "base", "frameset"))
_PICTURES = {"img": "src", "mj-image": "src", "v:image": "src", "v:fill": "src"}
_LINKS = {"a": "href", "area": "href", "mj-button": "href", "mj-image": "href", "v:roundrect": "href"}
_NO_ALT = frozenset(("v:image", "v:fill"))
_SCHEMES = ("http:", "https:", "mailto:", "tel:", "sms:", "{{", "#")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing. `code` is a stable word; `part` the template's part, or `settings`; lines and columns from 1."""

    level: Level
    code: str
    part: str
    message: str
    line: int | None = None
    column: int | None = None


def lint(parts: Mapping[str, str], settings: Mapping[str, Any]) -> list[Finding]:
    """Everything that is found, the worst first."""
    found = [*_shape(parts), *_settings(settings), *_rendering(parts, settings)]
    found += (
        one for name in (parts_of.HTML, parts_of.MJML) if name in parts for one in _html(name, parts[name])
    )
    if "email" in parts_of.channels(parts):
        found += _mail(parts, settings)
    levels = ("error", "warning", "hint")
    return sorted(found, key=lambda one: (levels.index(one.level), one.part, one.line or 0, one.column or 0))


def pictures(parts: Mapping[str, str]) -> list[tuple[str, str, int, int]]:
    """Every picture's URL that is the same for everybody, with its part, line and column."""
    found = []
    for name in (parts_of.HTML, parts_of.MJML):
        masked = mask(parts.get(name, "")).text
        for tag in tags(masked):
            source = tag.attributes.get(_PICTURES.get(tag.name, ""))
            if source is not None and "{{" not in (raw := parts[name][source.start : source.end]) and raw:
                found.append((source.text.strip(), name, *line_and_column(parts[name], source.start)))
    return found


def _shape(parts: Mapping[str, str]) -> Iterator[Finding]:
    for name in parts:
        if name not in parts_of.NAMES:
            known = ", ".join(part.name for part in parts_of.PARTS)
            yield Finding(level="error", code="unknown_part", part=name, message=f"known parts are {known}")
    if not parts_of.channels(parts):
        yield Finding(level="error", code="empty", part="", message="there is no part that could be sent")


def _settings(settings: Mapping[str, Any]) -> Iterator[Finding]:
    for name, value in settings.items():
        kind = SETTINGS.get(name)
        reason = None
        if kind is None:
            reason = f"is not known: known are {', '.join(SETTINGS)}"
        elif not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            reason = f"must be {_KINDS[kind]}"
        elif isinstance(value, str) and name in ("from_address", "reply_to", "sender"):
            reason = "is no e-mail address" if value and mailbox(value) is None else None
        elif name == "sender_name":
            reason = (
                "is the name of a sender: give its address too"
                if value and not settings.get("sender")
                else None
            )
        elif isinstance(value, str) and name == "url_append":
            reason = wrong(value)
        elif name in ("headers", "attachments"):
            reason = _unfit(name, value)
        if reason:
            yield Finding(level="error", code="setting", part="settings", message=f"{name}: {reason}")


def _unfit(name: str, value: Any) -> str | None:
    """Why these headers or attachments cannot go with a mail."""
    try:
        if name == "headers":
            added_headers(value)
        else:
            files(listed(value))
    except ValueError as error:
        return str(error).removeprefix(f"{name}: ")
    return None


def _rendering(parts: Mapping[str, str], settings: Mapping[str, Any]) -> Iterator[Finding]:
    """What rendering itself says, and the names that are used."""
    for channel in parts_of.channels(parts):
        parsed = parse_parts(parts, channel, inlined=settings.get("inline_css") is not False)
        if not isinstance(parsed, Parsed):
            for error in parsed:
                code = error.code.lower().replace(" ", "_")
                part = _part_of(error.part, channel, parts)
                yield Finding(
                    level="error",
                    code=code,
                    part=part,
                    message=error.message,
                    line=error.line,
                    column=error.column,
                )
            continue
        for name, _, source in parsed.sources:
            part = parts_of.MJML if name == parts_of.HTML and parts_of.MJML in parts else name
            yield from _names(part, source)
            if part in (parts_of.HTML, parts_of.MJML):
                yield from _size(part, source)


def _part_of(shown: str, channel: str, parts: Mapping[str, str]) -> str:
    """The name of the part that errors call so."""
    names = [part.name for part in parts_of.PARTS if (part.channel, part.shown) == (channel, shown)]
    return next((name for name in names if name in parts), names[0] if names else "")


def _names(part: str, source: Source) -> Iterator[Finding]:
    for name in source.names():
        if (said := _of_name(name)) is not None:
            level, code, message = said
            yield Finding(
                level=level, code=code, part=part, message=message, line=name.line, column=name.column
            )


def _of_name(name: Name) -> tuple[Level, str, str] | None:
    first, *rest = name.path
    field = rest[0] if rest and isinstance(rest[0], str) else None
    if first not in KNOWN:
        return (
            "warning",
            "unknown_name",
            f"{first} is not one of ours: an error, unless the message's context has it",
        )
    if first == "account" and field not in ACCOUNT_FIELDS:
        return "error", "unknown_name", f"account has no {field}: it has {', '.join(ACCOUNT_FIELDS)}"
    if first == "person" and field is not None and field not in PERSON_FIELDS:
        reason = f"person.{field} is there only where the shop told it: write it with `| default: ...`"
        return "hint", "may_be_missing", reason
    return None


def _size(part: str, source: Source) -> Iterator[Finding]:
    size = len(source.text.encode("utf-8", "replace"))
    if size > CLIPPED:
        message = f"the HTML has {size:,} bytes: Gmail hides what comes after {CLIPPED:,}"
        yield Finding(level="warning", code="clipped", part=part, message=message)


def _html(part: str, text: str) -> Iterator[Finding]:
    masked = mask(text).text

    def at(offset: int, level: Level, code: str, message: str) -> Finding:
        line, column = line_and_column(text, offset)
        return Finding(level=level, code=code, part=part, message=message, line=line, column=column)

    count = 0
    for tag in tags(masked):
        if tag.closing:
            continue
        count += 1
        values = {name: text[value.start : value.end].strip() for name, value in tag.attributes.items()}
        for level, code, message in _of_tag(tag.name, values):
            yield at(tag.start, level, code, message)
    if part == parts_of.HTML:
        for offset, message in misnested(text):
            yield at(offset, "warning", "misnested", message)
        if too_many(text, count):
            yield at(0, "warning", "styles", "there are too many rules and tags to put one into the other")


def _of_tag(name: str, values: Mapping[str, str]) -> Iterator[tuple[Level, str, str]]:
    if name in _STRIPPED:
        yield "warning", "stripped", f"mail programs remove <{name}>"
    if name in _PICTURES:
        source = values.get(_PICTURES[name], "")
        if not source:
            yield "warning", "broken_image", "the picture has no source"
        elif not source.lower().startswith(("https:", "http:", "data:", "cid:", "{{")):
            yield "warning", "broken_image", f"{source[:80]} is no address that a mail program can fetch"
        elif source.lower().startswith("http:"):
            yield "warning", "insecure_image", "the picture comes over http: some programs do not show it"
        if "alt" not in values and name not in _NO_ALT:
            yield "warning", "missing_alt", "the picture has no alt: whoever does not see it learns nothing"
    if name in _LINKS and _LINKS[name] in values:
        yield from _of_link(values[_LINKS[name]])


def _of_link(href: str) -> Iterator[tuple[Level, str, str]]:
    lower = href.lower()
    if lower in ("", "#"):
        yield "warning", "empty_link", "the link leads nowhere"
    elif lower.startswith("http://"):
        yield "warning", "insecure_link", f"{href[:80]} leads over http"
    elif not lower.startswith(_SCHEMES) and not lower.startswith(("*|", "[", "%%")):
        yield "warning", "broken_link", f"{href[:80]} leads nowhere in a mail: it needs https:// in front"


def _mail(parts: Mapping[str, str], settings: Mapping[str, Any]) -> Iterator[Finding]:
    bodies = [parts.get(name, "") for name in (parts_of.HTML, parts_of.MJML, parts_of.TEXT)]
    body = next(name for name in (parts_of.HTML, parts_of.MJML, parts_of.TEXT, "subject") if name in parts)
    leave = ("unsubscribe_url", "preferences_url")
    if not settings.get("transactional") and not any(url in text for text in bodies for url in leave):
        yield Finding(
            level="warning",
            code="no_unsubscribe",
            part=body,
            message="there is no {{ unsubscribe_url }} or {{ preferences_url }}: marketing needs one in the mail",
        )
    if parts_of.TEXT not in parts:
        message = "there is no text: it is made from the HTML"
        yield Finding(level="hint", code="no_text", part=parts_of.TEXT, message=message)
    if parts_of.PREHEADER not in parts and body != parts_of.TEXT:
        message = "there is no preheader: inboxes show the beginning of the mail instead"
        yield Finding(level="hint", code="no_preheader", part=parts_of.PREHEADER, message=message)
    if len(mask(parts.get(parts_of.SUBJECT, "")).text) > SUBJECT_SHOWN:
        message = f"the subject has more than {SUBJECT_SHOWN} characters: inboxes cut it"
        yield Finding(level="hint", code="long_subject", part=parts_of.SUBJECT, message=message)
