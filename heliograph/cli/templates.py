"""`heliograph templates`: save, show, check, preview and test what messages are made of."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

from heliograph.app import templates as app
from heliograph.cli.options import AccountOption, Data, existing, for_operators, out, table
from heliograph.errors import OperatorError, reason_of
from heliograph.outbound.messages.authoring.lint import Finding

templates = typer.Typer(no_args_is_help=True, help="Save, show, check, preview and test templates.")

Name = Annotated[str, typer.Argument(help="What the template is called.")]
OldVersion = Annotated[int, typer.Argument(help="As `heliograph templates versions` shows it.")]
Html = Annotated[Path | None, typer.Option(help="File of the HTML part.")]
Mjml = Annotated[Path | None, typer.Option(help="File of the MJML from which the HTML is made.")]
Text = Annotated[Path | None, typer.Option(help="File of the text part; made from the HTML when absent.")]
Subject = Annotated[str, typer.Option(help="The subject, in Liquid.")]
Preheader = Annotated[str, typer.Option(help="What inboxes show behind the subject.")]
Sms = Annotated[str, typer.Option(help="The text message, in Liquid.")]
PushTitle = Annotated[str, typer.Option(help="The push message's title, in Liquid.")]
PushBody = Annotated[str, typer.Option(help="The push message's body, in Liquid.")]
Setting = Annotated[
    list[str] | None,
    typer.Option("--set", help="NAME=VALUE of a setting: from_address, url_append, inline_css ..."),
]
Attach = Annotated[
    list[str] | None,
    typer.Option(
        "--attach", help="File or https:// address of an attachment; CID=FILE of one that the HTML shows."
    ),
]
Version = Annotated[int | None, typer.Option("--version", help="Another version than the current one.")]
Person = Annotated[
    str | None, typer.Option("--person", help="Id, address or customer number. Default: a sample.")
]
Context = Annotated[
    Path | None, typer.Option("--context", help="JSON file of what stands beside the person.")
]


@templates.command("save")
@for_operators
def save(
    name: Name,
    subject: Subject = "",
    html: Html = None,
    mjml: Mjml = None,
    text: Text = None,
    preheader: Preheader = "",
    sms: Sms = "",
    push_title: PushTitle = "",
    push_body: PushBody = "",
    setting: Setting = None,
    attach: Attach = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Save a template's new version; refused, with every place, when it could not be sent."""
    said = {
        "subject": subject,
        "preheader": preheader,
        "sms": sms,
        "push_title": push_title,
        "push_body": push_body,
    }
    parts = {**{part: words for part, words in said.items() if words}, **_files(html, mjml, text)}
    options = dict(_pair(one) for one in setting or ())
    if attach:
        options["attachments"] = [_attachment(one) for one in attach]
    found = asyncio.run(app.save(existing(data), account, name, parts, options))
    out.print(f"The template {name} is saved.")
    _show(found)


@templates.command("list")
@for_operators
def list_templates(data: Data = None, account: AccountOption = None) -> None:
    """All templates, with their current version."""
    _table(("name", "version", "channels", "parts"), app.listed(existing(data), account))


@templates.command("show")
@for_operators
def show(
    name: Name,
    part: Annotated[str | None, typer.Option(help="Print this part alone, as it was written.")] = None,
    version: Version = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """A template as it was written: all of it as JSON, or one part."""
    found = app.find(existing(data), account, name, version)
    if part is None:
        told = {"name": name, "version": found.version, "parts": found.parts, "settings": found.settings}
        typer.echo(json.dumps(told, ensure_ascii=False, indent=2))
    elif part in found.parts:
        typer.echo(found.parts[part], nl=False)
    else:
        raise OperatorError(f"{name} has no part {part}: it has {', '.join(found.parts)}")


@templates.command("versions")
@for_operators
def versions(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Every version that a template ever had."""
    _table(("version", "saved", "parts", ""), app.versions(existing(data), account, name))


@templates.command("rollback")
@for_operators
def roll_back(name: Name, version: OldVersion, data: Data = None, account: AccountOption = None) -> None:
    """Save an old version as the newest."""
    asyncio.run(app.roll_back(existing(data), account, name, version))
    out.print(f"The template {name} is again as it was in version {version}.")


@templates.command("remove")
@for_operators
def remove(name: Name, data: Data = None, account: AccountOption = None) -> None:
    """Offer a template no more; messages under way keep their version."""
    asyncio.run(app.remove(existing(data), account, name))
    out.print(f"The template {name} is removed.")


@templates.command("lint")
@for_operators
def check(
    name: Annotated[str | None, typer.Argument(help="A saved template; without, files.")] = None,
    subject: Subject = "",
    html: Html = None,
    mjml: Mjml = None,
    text: Text = None,
    preheader: Preheader = "",
    fetch: Annotated[bool, typer.Option(help="Also look whether the pictures come.")] = False,
    version: Version = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """What is wrong with a template, with its place; exit status 1 when it could not be sent."""
    draft = _draft(name, subject, preheader, _files(html, mjml, text), version, data, account)
    found = asyncio.run(app.check(existing(data), draft, fetch=fetch))
    _show(found)
    if any(one.level == "error" for one in found):
        raise typer.Exit(1)
    if not found:
        out.print("Nothing is wrong with it.")


@templates.command("preview")
@for_operators
def look(
    name: Annotated[str | None, typer.Argument(help="A saved template; without, files.")] = None,
    subject: Subject = "",
    html: Html = None,
    mjml: Mjml = None,
    text: Text = None,
    preheader: Preheader = "",
    person: Person = None,
    context: Context = None,
    into: Annotated[Path | None, typer.Option(help="Write the HTML to this file.")] = None,
    version: Version = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """How a template looks for somebody. Nothing is recorded, nothing is tracked."""
    draft = _draft(name, subject, preheader, _files(html, mjml, text), version, data, account)
    made = app.look(existing(data), account, draft, person, _context(context))
    if made.errors:
        raise OperatorError(
            "; ".join(f"{one.part} {one.line}:{one.column} {one.message}" for one in made.errors)
        )
    for label in ("subject", "sms", "push_title", "push_body"):
        if (words := getattr(made, label)) is not None:
            out.print(f"{label}: {words}", markup=False, highlight=False)
    if made.html is not None and into is not None:
        into.write_text(made.html)
        out.print(f"{into}: {made.size:,} bytes{', which Gmail would clip' if made.clipped else ''}")
    elif made.html is not None:
        typer.echo(made.html)
    elif made.text is not None:
        typer.echo(made.text)


@templates.command("test")
@for_operators
def send_test(
    name: Name,
    to: Annotated[str, typer.Argument(help="Whom it goes to.")],
    channel: Annotated[Literal["email", "sms", "push"], typer.Option(help="How.")] = "email",
    person: Person = None,
    context: Context = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Send a template to an address, marked as a test. The engine must be running, or it goes when it next does."""
    filled = _context(context) or {}
    sent = asyncio.run(app.send_test(existing(data), account, name, channel, to, person, filled))
    out.print(f"The message {sent} is asked for.")


def _draft(
    name: str | None,
    subject: str,
    preheader: str,
    files: dict[str, str],
    version: int | None,
    data: str | None,
    account: str | None,
) -> app.Draft:
    """What is looked at: a saved template, or files."""
    if name is not None:
        found = app.find(existing(data), account, name, version)
        return app.Draft(found.parts, found.settings)
    if not files:
        raise OperatorError("name a saved template, or files: --html, --mjml, --text")
    said = {"subject": subject, "preheader": preheader}
    return app.Draft({**{part: words for part, words in said.items() if words}, **files}, {})


def _files(html: Path | None, mjml: Path | None, text: Path | None) -> dict[str, str]:
    named = (("html", html), ("mjml", mjml), ("text", text))
    return {part: _read(file) for part, file in named if file is not None}


def _context(file: Path | None) -> dict[str, Any] | None:
    if file is None:
        return None
    try:
        found = json.loads(_read(file))
    except ValueError as error:
        raise OperatorError(f"{file} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise OperatorError(f"{file} must be a JSON object")
    return found


def _attachment(text: str) -> dict[str, str]:
    """A file or an address as the setting `attachments` has it; `logo@shop.example=logo.png` with its content id."""
    content_id, equals, place = text.partition("=")
    if not equals or "@" not in content_id or "/" in content_id:
        content_id, place = "", text
    said = {"name": Path(urlsplit(place).path).name, "content_id": content_id}
    if place.startswith(("https://", "http://")):
        return {**said, "url": place}
    try:
        return {**said, "content": base64.b64encode(Path(place).read_bytes()).decode()}
    except OSError as error:
        raise OperatorError(f"{place} cannot be read: {reason_of(error)}") from error


def _pair(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise OperatorError(f"{text} is not NAME=VALUE")
    return name, {"true": True, "false": False}.get(value, value)


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise OperatorError(f"{file} cannot be read: {reason_of(error)}") from error


def _show(found: Sequence[Finding]) -> None:
    for one in found:
        place = f":{one.line}:{one.column}" if one.line else ""
        out.print(f"{one.level} {one.part}{place} {one.code}: {one.message}", markup=False, highlight=False)


def _table(columns: tuple[str, ...], found: Sequence[tuple[Any, ...]]) -> None:
    rows = table(*columns)
    for row in found:
        rows.add_row(*(str(cell) for cell in row))
    out.print(rows)
