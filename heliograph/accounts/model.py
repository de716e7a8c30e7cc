"""What an account is, what a key is, and the tables that keep them.

An account has a 12-digit number (as AWS has) and a store id (as Remarkety has). Keys are stored as
fingerprints; only secrets that we must compute with (HMAC, SigV4) are stored as they are.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import JSON, BigInteger, Column, LargeBinary, String, Table

from heliograph.database import METADATA
from heliograph.settings import BOUNCE_ADDRESS

KeyKind = Literal["store", "api", "oauth", "aws", "webhook", "receipts", "channel"]
"""store: `x-token` of one store. api: `x-api-key`, the whole account. oauth: client credentials.
aws: access key for SigV4. webhook: the shared secret that signs what we send.
receipts: what a provider of mail or texts proves itself with, given by them; its login is the provider's name.
channel: what we prove ourselves with at a provider of texts or push messages, with how it is used; its login as above."""

Scope = Literal["events", "manage", "images", "feeds"]

SCOPES: dict[KeyKind, tuple[Scope, ...]] = {
    "store": ("events",),
    "api": ("events", "manage", "images", "feeds"),
    "oauth": ("images",),
    "aws": ("feeds",),
    "webhook": (),
    "receipts": (),
    "channel": (),
}


_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"
_DAYS = r"(?:mon|tue|wed|thu|fri|sat|sun)"
QUIET = rf"^(?:{_DAYS}(?:,{_DAYS})*(?: {_CLOCK}-(?:{_CLOCK}|24:00))?|{_CLOCK}-(?:{_CLOCK}|24:00))$"
"""Days, a span of hours, or both; a span that ends before it begins goes on into the next day."""
CAP = r"^(?:[^:/]{1,100}:)?[1-9]\d{0,3}/(?:[1-9]\d{0,2}h|[1-9]\d?d)$"
"""`[GROUP:]COUNT/WINDOW`, the window in hours or days."""


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What belongs to one account: set with `heliograph accounts set`, effective within two seconds."""

    ip: Literal["full", "truncate", "drop"] = "full"
    """What is kept of visitors' addresses: all, /24 and /48 only, or nothing (STD-7)."""
    validation: Literal["lenient", "strict"] = "lenient"
    """Whether the document's mandatory fields are mandatory (RM-6); real plug-ins break them."""
    tracking: Literal["unless_refused", "only_if_allowed"] = "unless_refused"
    """Whether opens and clicks of somebody who said nothing about it are tied to them (STD-7)."""
    country: str = ""
    """Whose national phone numbers are meant where no country is named: two letters (ISO 3166-1)."""
    keep_local_case: bool = False
    """Whether `John@` and `john@` of one domain are two people."""
    unknown_may_be_mailed: bool = True
    """Whether a person who never said yes or no is marketable (S3, wire-facts 6.1)."""
    unknown_may_be_texted: bool = False
    """The same for texts: most laws want a yes before the first marketing text. A push needs none beside the device: who
    registered it lets the app notify them."""
    opt_in_counts: bool = True
    """Whether a person who said no is left alone; without it suppressions alone decide (wire-facts 6.1: an account may
    ignore the opt-in), which few laws allow."""
    one_click_leaves: Literal["topic", "all"] = "topic"
    """What the unsubscribe link and header of a mail about a subscription topic leave."""
    double_optin: bool = True
    """Whether newsletter/subscribe asks for confirmation when the event does not say."""
    hmac_form: Literal["base64", "hex"] = "base64"
    """How webhook signatures are written (RM-14)."""
    soft_bounces: Annotated[int, msgspec.Meta(ge=0)] = 5
    """How many messages may bounce softly, none delivered or opened between, before the address is suppressed; 0: any."""
    soft_bounce_days: Annotated[int, msgspec.Meta(ge=1)] = 30
    """Days within which those must have bounced."""
    quiet_hours: tuple[Annotated[str, msgspec.Meta(pattern=QUIET)], ...] = ()
    """When automations' marketing messages wait, by each person's clock: `22:00-08:00`, `sat,sun`, `sun 00:00-12:00`."""
    message_caps: tuple[Annotated[str, msgspec.Meta(pattern=CAP)], ...] = ()
    """How many marketing messages a person gets at most: `3/7d` of all, `Recovery:1/1d` of a group of automations."""
    role_addresses: tuple[str, ...] = ()
    """Local parts that nobody is written to at, such as `abuse` and `postmaster`: they are nobody's own (MG-8, 135)."""
    barred_domains: tuple[str, ...] = ()
    """Domains that nobody is written to at, with all that is below them (MG-8, 134)."""
    read_time: Literal["held", "redirects", "off"] = "held"
    """How it is measured for how long an open lasts; off: every open is Not Supported (LIT-7)."""
    tracking_hooks: bool = True
    """Whether mails tell of prints, forwards and dark or light colours too (LIT-1), not of opens alone; a template's
    setting of this name wins. About a kilobyte for each mail."""
    trap_link: bool = False
    """Whether mails get a hidden link, by which a scanner gives itself away (STD-6); some filters dislike one."""
    retention_days: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Whole days (UTC) for which events are kept in the journal; 0: for ever (STD-7)."""
    archive: bool = True
    """Whether events whose days are over are written to the archive before they are removed."""
    receipt_topics: tuple[str, ...] = ()
    """ARNs of the Amazon SNS topics over which SES tells this account what happened."""
    receipt_networks: tuple[str, ...] = ()
    """CIDRs from which providers' callbacks must come; none: from anywhere, they are verified anyway."""
    receipt_visits: bool = False
    """Whether opens and clicks that a provider tells are recorded: ours are in the mail already."""
    sms_segments: Annotated[int, msgspec.Meta(ge=0)] = 10
    """Short messages that one text may take; a longer one is a render error; 0: any. Twilio takes 1,600 characters."""
    sms_countries: tuple[str, ...] = ()
    """Countries that texts go to, two letters each (ISO 3166-1), `?` for numbers of no country that we know; none: any."""
    shorten_links: bool = True
    """Whether links in texts are made short and tracked; a template's setting of this name wins."""
    sms_stop_words: tuple[str, ...] = ()
    """Words that say STOP, beside those of `inbound.receipts.providers.words`; the same for the next two."""
    sms_start_words: tuple[str, ...] = ()
    sms_help_words: tuple[str, ...] = ()
    sms_keywords: tuple[str, ...] = ()
    """The account's own words: a text that begins with one is told as `sms.received` with it as its `keyword`."""
    sms_stop_answer: str = ""
    """What is answered to STOP; empty: nothing, for Twilio and most others answer themselves."""
    sms_start_answer: str = ""
    sms_help_answer: str = ""
    """What is answered to HELP, once a day and number."""
    browser_origins: tuple[str, ...] = ()
    """Origins from which browsers may send events without a key (RM-2)."""
    open_forms: bool = False
    """Whether sign-up forms that run on servers, and so send neither key nor origin, may send contacts (RM-24)."""
    url_append: str = ""
    """What the links of mails lead with, where the template or the automation says nothing else:
    `utm_source=shop&utm_medium=email&utm_campaign={template}`. Parameters that a link has are kept."""
    from_name: str = ""
    from_address: str = ""
    reply_to: str = ""
    bounce_address: Annotated[str, msgspec.Meta(pattern=BOUNCE_ADDRESS)] = ""
    """Return path of this account's mail, in place of the setting of that name: at a domain that its own is aligned with."""
    dkim_unsigned: tuple[str, ...] = ()
    """Headers that a relay writes anew, in small letters, which our DKIM signatures leave out (SES: date, message-id)."""
    postal_address: str = ""
    admin_email: str = ""
    time_zone: str = "UTC"
    daily_reports: str = ""
    """Where a day's opens go as a ZIP for each campaign, soon after midnight (LIT-15): a folder,
    sftp://USER@HOST[:PORT]/PATH or s3://BUCKET[/PREFIX]; empty: nowhere."""


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account or sub-account. `number` is 12 digits."""

    number: str
    store_id: str
    name: str = ""
    parent: str | None = None
    policy: Policy = Policy()


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One credential. `public` is what may be shown: an id, a login, the first letters of a token.

    `fingerprint` recognises it (`signing.fingerprint`); `secret` is the thing itself, only for aws, webhook, receipts and
    channel."""

    id: str
    account: str
    kind: KeyKind
    public: str
    fingerprint: str = ""
    secret: str = ""
    label: str = ""
    created: int = 0
    revoked: int | None = None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """What it may be used for."""
        return SCOPES[self.kind]


ACCOUNTS = Table(
    "accounts",
    METADATA,
    Column("number", String(12), primary_key=True),
    Column("store_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False, default=""),
    Column("parent", String(12)),
    Column("policy", JSON, nullable=False),
    Column("created", BigInteger, nullable=False),
)

KEYS = Table(
    "keys",
    METADATA,
    Column("id", String, primary_key=True),
    Column("account", String(12), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("public", String, nullable=False),
    Column("fingerprint", String, nullable=False, default=""),
    Column("secret", String, nullable=False, default=""),
    Column("label", String, nullable=False, default=""),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
)

SIGNING_KEYS = Table(
    "signing_keys",
    METADATA,
    Column("kid", BigInteger, primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("retired", BigInteger),
)

CERTIFICATES = Table(
    "certificates",
    METADATA,
    Column("id", String(32), primary_key=True),
    Column("private_key", LargeBinary, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""What signs messages that receivers check with our public key; both in PEM. The newest signs."""

REVISION = Table(
    "accounts_revision",
    METADATA,
    Column("id", BigInteger, primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
"""One row, raised with every change, so that other processes know when to load again."""
