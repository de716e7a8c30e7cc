"""`heliograph campaigns`: tracking codes for mail that any system sends."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from heliograph import senders as known
from heliograph.app import codes
from heliograph.cli.options import AccountOption, Data, at_option, err, existing, for_operators, out, table
from heliograph.inbound.tracking.making import Wanted

campaigns = typer.Typer(
    no_args_is_help=True, help="Make tracking codes, print their HTML, stop and start them."
)

SENDER = "Whose merge tag; `heliograph campaigns senders` lists them."
SenderOption = Annotated[str, typer.Option(help=SENDER)]
MERGE_TAG = "Another tag for the recipient's id: [CONTACT-ID]."
MergeTag = Annotated[str, typer.Option("--merge-tag", help=MERGE_TAG)]
Expires = Annotated[str | None, typer.Option(help="Records until this date or time; `never` takes it back.")]
Tag = Annotated[list[str] | None, typer.Option("--tag", help="May be repeated.")]
CustomType = Annotated[str | None, typer.Option(help="custom_type of hits that say none.")]
CustomData = Annotated[str | None, typer.Option(help="custom_data of hits that say none.")]
EmailType = Annotated[str | None, typer.Option(help="What sort of mail it is: newsletter ...")]
Individual = Annotated[
    bool | None,
    typer.Option(help="Whether hits keep the recipient's id. Default: as the account tracks people."),
]
Guid = Annotated[str, typer.Argument(help="Eight characters.")]


@campaigns.command("add")
@for_operators
def add(
    name: Annotated[str, typer.Argument(help="What the campaign is called.")],
    sender: SenderOption = "",
    merge_tag: MergeTag = "",
    expires: Expires = None,
    tag: Tag = None,
    email_type: EmailType = None,
    custom_type: CustomType = None,
    custom_data: CustomData = None,
    individual: Individual = None,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """Make a tracking code. Prints the HTML to paste at the end of the mail's body; its GUID on stderr."""
    wanted = Wanted(
        name=name,
        sender=sender,
        merge_tag=merge_tag,
        expires_at=at_option(expires, "--expires"),
        tags=tuple(tag or ()),
        email_type=email_type or "",
        custom_type=custom_type or "",
        custom_data=custom_data or "",
        individual=individual,
    )
    guid, html = asyncio.run(codes.add(existing(data), account, wanted))
    err.print(f"The campaign {guid} is made.", highlight=False)
    typer.echo(html, nl=False)


@campaigns.command("change")
@for_operators
def change(
    guid: Guid,
    name: Annotated[str | None, typer.Option(help="What the campaign is called.")] = None,
    sender: Annotated[str | None, typer.Option(help=SENDER)] = None,
    merge_tag: Annotated[str | None, typer.Option(help=MERGE_TAG)] = None,
    expires: Expires = None,
    tag: Tag = None,
    email_type: EmailType = None,
    custom_type: CustomType = None,
    custom_data: CustomData = None,
    individual: Individual = None,
    data: Data = None,
) -> None:
    """Change what is named, and nothing else."""
    said: dict[str, Any] = {
        "name": name,
        "sender": sender,
        "merge_tag": merge_tag,
        "tags": tuple(tag) if tag else None,
        "email_type": email_type,
        "custom_type": custom_type,
        "custom_data": custom_data,
        "individual": individual,
    }
    said = {field: value for field, value in said.items() if value is not None}
    if expires is not None:
        said["expires_at"] = None if expires == "never" else at_option(expires, "--expires")
    asyncio.run(codes.change(existing(data), guid, said))
    out.print(f"The campaign {guid} is changed.", highlight=False)


@campaigns.command("list")
@for_operators
def listed(
    archived: Annotated[bool, typer.Option("--archived", help="Those that were archived.")] = False,
    data: Data = None,
    account: AccountOption = None,
) -> None:
    """All campaigns, the newest first; and where merge tags came back unfilled."""
    rows = table("guid", "name", "sender", "made", "state")
    for row in codes.listed(existing(data), account, archived=archived):
        rows.add_row(*row)
    out.print(rows)


@campaigns.command("show")
@for_operators
def show(guid: Guid, data: Data = None) -> None:
    """All of a campaign, with the merge tags that nobody filled in."""
    out.print_json(json.dumps(codes.shown(existing(data), guid)))


@campaigns.command("snippet")
@for_operators
def snippet(guid: Guid, sender: SenderOption = "", merge_tag: MergeTag = "", data: Data = None) -> None:
    """Print the HTML to paste at the end of a mail's body."""
    typer.echo(codes.snippet(existing(data), guid, sender, merge_tag), nl=False)


@campaigns.command("senders")
def senders() -> None:
    """Mail systems whose merge tags are known."""
    rows = table("sender", "system", "merge tag")
    for one in known.senders():
        rows.add_row(one.name, one.title, one.person.replace("[", "\\["))
    out.print(rows)


@campaigns.command("stop")
@for_operators
def stop(guid: Guid, data: Data = None) -> None:
    """Record its hits no more. Its pictures are answered all the same."""
    asyncio.run(codes.move(existing(data), guid, "stop"))
    out.print(f"The campaign {guid} is stopped.", highlight=False)


@campaigns.command("start")
@for_operators
def start(guid: Guid, data: Data = None) -> None:
    """Record its hits again."""
    asyncio.run(codes.move(existing(data), guid, "start"))
    out.print(f"The campaign {guid} is started.", highlight=False)


@campaigns.command("archive")
@for_operators
def archive(guid: Guid, data: Data = None) -> None:
    """Leave it out of lists. Mails that have its code are still told of."""
    asyncio.run(codes.move(existing(data), guid, "archive"))
    out.print(f"The campaign {guid} is archived.", highlight=False)
