"""What we tell a provider of our message is what we look for in its callbacks."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from provider_world import BY, MESSAGE, World

from heliograph.inbound.receipts.providers import PROVIDERS
from heliograph.outbound.messages.channels.provider_marks import HEADERS, mark
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.mail.mime import Letter, Sender, assemble
from heliograph.settings import Settings


def test_the_setting_names_every_provider_that_reads_a_header() -> None:
    (field,) = (field for field in msgspec.structs.fields(Settings) if field.name == "smtp_provider")
    assert set(get_args(get_args(field.type)[0])) == {"", *HEADERS}
    assert set(HEADERS) <= {provider.name for provider in PROVIDERS}


def header(provider: str) -> Any:
    """The header as a mail server reads it in a mail of ours."""
    box = Mailbox("news@shop.example")
    letter = Letter(
        message=MESSAGE,
        sender=Sender(name="Shop", mailbox=box),
        recipient=Mailbox("ann@example.com"),
        subject="s",
        html=None,
        text="t",
        date=0,
    )
    name = HEADERS[provider].partition(":")[0]
    marks = "".join(
        f"{line}\r\n" for line in mark(provider, MESSAGE)
    ).encode()  # as a relay puts them in front
    return message_from_bytes(marks + assemble(letter).content(), policy=default)[name]


@pytest.mark.parametrize("provider", ["sparkpost", "sendgrid", "mailgun", "postmark"])
async def test_what_a_mail_says_comes_back_and_is_found(tmp_path: Path, provider: str) -> None:
    said = header(provider)
    if provider == "sparkpost":
        given = json.loads(said)["metadata"]
        body: Any = [{"msys": {"message_event": {"type": "delivery", "event_id": "e", "rcpt_meta": given}}}]
    elif provider == "sendgrid":
        body = [{"event": "delivered", "sg_event_id": "e", **json.loads(said)["unique_args"]}]
    elif provider == "mailgun":
        body = {"event": "delivered", "id": "e", "user-variables": json.loads(said)}
    else:
        body = {"RecordType": "Delivery", "Metadata": {"heliograph_message": said}}
    world = World(tmp_path)
    assert (await world.call(provider, BY[provider](body))).status == 200
    (event,) = await world.told()
    assert event.data.message == MESSAGE  # type: ignore[attr-defined]
    world.state.dispose()


def test_without_a_provider_a_mail_says_nothing_more() -> None:
    assert mark("", MESSAGE) == () and mark("ses", MESSAGE) == ()
