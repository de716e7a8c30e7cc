"""Files as other systems write them, and what an import makes of their rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from heliograph.clock import SECOND
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.inbound.collect.senders import Sender
from heliograph.porting import columns, people
from heliograph.porting.people import Plan
from heliograph.rowfiles.files import Lines, look
from heliograph.rowfiles.rows import Row, rows, shape

ACCOUNT = "000000000001"
NOW = 1_700_000_000 * SECOND
AS_OF = NOW - 3600 * SECOND

MAILCHIMP = (
    "Email Address,First Name,Last Name,Phone Number,MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,"
    "LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
MAILCHIMP_UNSUBSCRIBED = MAILCHIMP.replace(
    "LAST_CHANGED", "UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_REASON,LAST_CHANGED"
)
KLAVIYO = (
    "Email,Klaviyo ID,First Name,Last Name,Organization,Title,Phone Number,Address,Address 2,City,State / Region,"
    "Country,Zip Code,Email Marketing Consent,Email Marketing Consent Timestamp,SMS Marketing Consent,Email Suppressions"
)
SHOPIFY = (
    "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Address1,"
    "Default Address City,Default Address Province Code,Default Address Country Code,Default Address Zip,Phone,"
    "Accepts SMS Marketing,Total Spent,Total Orders,Note,Tags"
)
REMARKETY = "Email,firstName,lastName,marketingAllowed,smsMarketingAllowed,Tags,Customer ID,Gender,Birthdate"


def found(path: Path, **how: Any) -> list[Row]:
    """The rows of a file."""
    looked = look(path, encoding=how.pop("encoding", None), told=lambda _: None)
    lines = Lines(looked)
    try:
        return list(rows(lines, shape(looked, **how)))
    finally:
        lines.close()


def plan(chosen: Mapping[str, str], **how: Any) -> Plan:
    """How rows are read: of one account, an hour after the file was written."""
    sender = Sender(account=ACCOUNT, platform="import", source="import:abc", **how.pop("sender", {}))
    return Plan(sender=sender, columns=chosen, as_of=AS_OF, now=NOW, **how)


def person(header: str, *cells: str, **how: Any) -> list[AnyEvent]:
    """What a row under a header of another system becomes."""
    names = next(csv.reader([header]))
    values = next(csv.reader([",".join(cells)])) if len(cells) == 1 else list(cells)
    row = dict(zip(names, values, strict=True))
    chosen = columns.chosen(names, how.pop("maps", ()), [row])
    records, _ = people.person(plan(chosen, **how), 2, row)
    return [codec.decode(record) for record in records]


def table(*lines: Sequence[str], delimiter: str = ",") -> str:
    """Lines of cells as CSV."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(lines)
    return text.getvalue()
