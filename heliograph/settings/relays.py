"""What a relay is in the settings: one of several, each a `[[relays]]` table of the file."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


def _doc(text: str) -> Meta:
    return Meta(description=text)


Provider = Literal["", "sparkpost", "sendgrid", "mailgun", "postmark"]


class RelaySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of several relays: a `[[relays]]` table of the settings file."""

    name: Annotated[
        str, Meta(pattern=r"^[A-Za-z0-9._-]{1,40}$", description="what it is called in events and logs")
    ]
    url: Annotated[str, _doc("smtp://HOST:PORT, smtps:// or smtp+starttls://")]
    user: Annotated[str, _doc("login; empty: none")] = ""
    password: Annotated[str, _doc("password; never shown")] = ""
    connections: Annotated[int, Meta(ge=1, le=200, description="connections held to it")] = 8
    rate: Annotated[float, Meta(ge=0, description="mails a second at most; 0: as many as it takes")] = 0.0
    timeout: Annotated[float, Meta(ge=0, description="seconds for one answer; 0: as `smtp_timeout`")] = 0.0
    order: Annotated[
        int, Meta(ge=0, description="relays of the lowest order are used while one of them works")
    ] = 0
    weight: Annotated[int, Meta(ge=1, le=1000, description="its share among relays of its order")] = 1
    accounts: Annotated[tuple[str, ...], _doc("numbers of the accounts that it serves; none: all")] = ()
    domains: Annotated[
        tuple[str, ...], _doc("domains of From that it serves, with all that is below them; none: all")
    ] = ()
    provider: Annotated[Provider, _doc("as `smtp_provider`")] = ""
    final: Annotated[
        bool | None, _doc("its recipients' own server: its 250 is a delivery; unset: as `smtp_final`")
    ] = None
    headers: Annotated[
        dict[str, str], _doc("header lines for the relay itself, unsigned, such as X-SES-CONFIGURATION-SET")
    ] = {}
