"""Every knob: typed, frozen, with its unit and the reason for its default beside it.

Settings come from flags, `HELIOGRAPH_*` variables and one TOML file, in this order of strength, are parsed
once at the start, and are loud when wrong. `heliograph check` prints the effective ones, secrets masked.
A variable's name is the setting's, in capitals: `HELIOGRAPH_SMTP_RELAY`. What belongs to one account (its
policies, its From address) is not here but in `heliograph.accounts`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from heliograph.errors import OperatorError, perhaps
from heliograph.settings.relays import Provider, RelaySettings
from heliograph.settings.sources import from_file, from_variables

SECRETS = frozenset({"smtp_password", "imap_password", "sftp_password"})
"""Settings whose values are never shown."""


BOUNCE_ADDRESS = r"^$|^(?=[^@]{11,19}@)[A-Za-z0-9.+=_-]*\{reference\}[A-Za-z0-9.+=_-]*@[A-Za-z0-9.-]+$"
"""What a return path must look like: with its reference, of 56 characters, a local part has 64 at most."""


def _doc(text: str) -> Meta:
    return Meta(description=text)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The effective settings of one process tree. Each field's description is its documentation."""

    data: Annotated[
        str, _doc("directory of journal.db, state.db and credentials.json; made at the first start")
    ] = "heliograph-data"
    listen: Annotated[str, _doc("HOST:PORT to serve on; loopback until an operator decides who may come")] = (
        "127.0.0.1:8025"
    )
    base_url: Annotated[
        str, _doc("what URLs in mail and credentials begin with; empty: http:// and the address listened on")
    ] = ""
    workers: Annotated[
        int, Meta(ge=1, le=64, description="web worker processes; one per core that shall answer requests")
    ] = 1
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _doc("the least serious thing that is logged")
    ] = "info"
    log_format: Annotated[
        Literal["json", "console"], _doc("json, one object a line, for collectors; console for people")
    ] = "json"
    body_limit: Annotated[
        int, Meta(ge=1024, description="bytes of one request's body; the largest real orders are under 1 MiB")
    ] = 2 * 1024 * 1024
    batch_body_limit: Annotated[
        int, Meta(ge=1024, description="bytes of a batch's body: 1,000 events of 16 KiB")
    ] = 16 * 1024 * 1024
    key_rate: Annotated[
        int,
        Meta(
            ge=0,
            description="requests per second and key and worker before 429; 0: no limit but the journal's",
        ),
    ] = 0
    address_rate: Annotated[
        int,
        Meta(
            ge=0, description="keyless or wrong-key requests per second and address before 429; 0: no limit"
        ),
    ] = 50
    page_rate: Annotated[
        int,
        Meta(
            ge=0,
            description="keyless events of pages per second and store and worker before 429; 0: no limit",
        ),
    ] = 500
    trusted_proxies: Annotated[
        tuple[str, ...],
        _doc("CIDRs whose X-Forwarded-For is believed; none by default: anybody can write that header"),
    ] = ()
    queue_limit: Annotated[
        int, Meta(ge=1000, description="events waiting for the disk before 503: about a second of full load")
    ] = 50_000
    queue_bytes: Annotated[
        int,
        Meta(
            ge=1 << 20,
            description="bytes of events waiting for the disk before 503; bounds a worker's memory",
        ),
    ] = 32 * 1024 * 1024
    repeat_days: Annotated[
        int,
        Meta(
            ge=0,
            description="days for which a repeat is recognised by its id, at least; 22 bytes an id; 0: for ever",
        ),
    ] = 90
    smtp_relay: Annotated[
        str,
        _doc(
            "where mail is handed over: smtp://HOST:PORT, smtps:// or smtp+starttls://; empty: nothing is sent"
        ),
    ] = ""
    smtp_user: Annotated[str, _doc("login at the relay; empty: none")] = ""
    smtp_password: Annotated[str, _doc("password at the relay")] = ""
    smtp_connections: Annotated[
        int, Meta(ge=1, le=200, description="connections held to the relay; most relays allow 10 to 50")
    ] = 8
    smtp_timeout: Annotated[
        float,
        Meta(gt=0, description="seconds for one SMTP answer; RFC 5321 4.5.3.2 asks for minutes after DATA"),
    ] = 60.0
    smtp_final: Annotated[
        bool,
        _doc(
            "the relay is its recipients' own server: its 250 is a delivery (tests, mail within one domain)"
        ),
    ] = False
    smtp_provider: Annotated[
        Provider,
        _doc(
            "whose relay it is, so that mail names our message as their callbacks give it back; empty: nobody's"
        ),
    ] = ""
    sftp_key: Annotated[
        str, _doc("file of the private key with which daily reports go to sftp:// targets; empty: none")
    ] = ""
    sftp_password: Annotated[str, _doc("password at sftp:// targets; empty: none")] = ""
    sftp_known_hosts: Annotated[
        str,
        _doc(
            "file of the host keys that sftp:// targets may have; empty: ~/.ssh/known_hosts. Others are refused"
        ),
    ] = ""
    relays: Annotated[
        tuple[RelaySettings, ...],
        _doc(
            "several relays, a [[relays]] table each, beside smtp_relay if that is set; in a variable as JSON"
        ),
    ] = ()
    consent_pages: Annotated[
        str,
        _doc(
            "a directory of your own texts and frame for the unsubscribe, confirmation and preference pages; empty: `pages` in the data directory"
        ),
    ] = ""
    making_processes: Annotated[
        int,
        Meta(
            ge=-1,
            le=64,
            description="processes that make mails for the one that sends, at most, as they are needed; 0: it makes them itself; -1: as many as the machine has processors, up to 4, or none where it has one",
        ),
    ] = -1
    message_lifetime: Annotated[
        float,
        Meta(gt=0, description="seconds that a message is tried before a transient failure becomes a bounce"),
    ] = 2 * 24 * 3600.0
    jobs_folder: Annotated[
        str, _doc("a directory whose files jobs may name as their list (file:NAME); empty: none")
    ] = ""
    jobs_buckets: Annotated[
        tuple[str, ...],
        _doc("buckets from which jobs may take lists (s3://): they are read with this machine's credentials"),
    ] = ()
    jobs_list_limit: Annotated[
        int, Meta(ge=1024, description="bytes of one recipient list, as it comes and unpacked")
    ] = 4 << 30
    egress_allow: Annotated[
        tuple[str, ...],
        _doc(
            "CIDRs of private receivers that may be called; metadata addresses never are, whatever stands here"
        ),
    ] = ()
    webhook_https_only: Annotated[bool, _doc("refuse http:// receivers, as the document asks (RM-15)")] = True
    webhook_timeout: Annotated[float, Meta(gt=0, description="seconds for a receiver's answer (S3: 5)")] = 5.0
    aws_targets: Annotated[
        tuple[str, ...],
        _doc(
            "ARNs of Amazon's queues and topics that feeds may name, `*` and `?` as wildcards: what our credentials "
            "there may be used for; none until an operator says so"
        ),
    ] = ()
    nats_servers: Annotated[
        tuple[str, ...],
        _doc("NATS servers that feeds publish to, such as nats://127.0.0.1:4222; none: no such feeds"),
    ] = ()
    nats_credentials: Annotated[str, _doc("credentials file for the NATS servers; empty: none")] = ""
    image_url: Annotated[
        str,
        _doc("what URLs of live pictures begin with, such as https://image.example.com; empty: as base_url"),
    ] = ""
    click_url: Annotated[
        str,
        _doc(
            "the same for the links of live pictures, such as https://click.example.com; empty: as base_url"
        ),
    ] = ""
    tracking_url: Annotated[
        str,
        _doc(
            "what URLs of tracking codes begin with; {guid} in it is the code: https://{guid}.t.example.com; empty: base_url"
        ),
    ] = ""
    short_url: Annotated[
        str,
        _doc("what short links in texts begin with, such as https://go.example.com; empty: as base_url"),
    ] = ""
    image_api_requests: Annotated[
        int,
        Meta(
            ge=0, description="calls of the Personalize API per account in 15 minutes before 429; 0: no limit"
        ),
    ] = 300
    image_rate: Annotated[
        int,
        Meta(ge=0, description="live pictures per second, account and worker before 503; 0: no limit"),
    ] = 0
    image_setups: Annotated[
        int,
        Meta(
            ge=0,
            description="new styles set up per second, account and worker before 429 or 503: each takes 12 ms; 0: no limit",
        ),
    ] = 20
    sns_url: Annotated[
        str,
        _doc(
            "what URLs in topics' messages begin with: https://sns. and your domain for validators; empty: base_url"
        ),
    ] = ""
    sns_timeout: Annotated[
        float, Meta(gt=0, description="seconds for a topic subscriber's answer (SNS-5: 15)")
    ] = 15.0
    sns_token_lifetime: Annotated[
        float,
        Meta(
            gt=0, description="seconds that SubscribeURL confirms; Amazon's documents say two days, and three"
        ),
    ] = 3 * 24 * 3600.0
    reader_rules: Annotated[
        str, _doc("a TOML file of rules that are asked before ours who is reading; empty: none")
    ] = ""
    reader_networks: Annotated[
        str, _doc("a directory of address ranges, one file each, in place of ours of that name; empty: none")
    ] = ""
    bounce_address: Annotated[
        str,
        Meta(
            pattern=BOUNCE_ADDRESS,
            description="return path of our mail, such as b-{reference}@bounces.example.com; empty: its From address",
        ),
    ] = ""
    mail_listen: Annotated[
        tuple[str, ...],
        _doc("where mail that comes back is taken: smtp://HOST:PORT, lmtp://HOST:PORT; none: nowhere"),
    ] = ()
    mail_hostname: Annotated[str, _doc("how the receiver of mail calls itself; its MX's name")] = ""
    mail_mailboxes: Annotated[
        tuple[str, ...],
        _doc("addresses that it takes mail for beside return paths, * for anything: complaints, replies"),
    ] = ()
    mail_account: Annotated[
        str, _doc("number of the account whose mail is that leads to no message; empty: the first")
    ] = ""
    mail_believe_addresses: Annotated[
        bool,
        _doc(
            "a notice to a mailbox that names an address alone counts for the last message to it; anybody can write one"
        ),
    ] = True
    mail_size: Annotated[
        int, Meta(ge=65536, description="bytes of one mail that is taken; notices may return ours whole")
    ] = 10 * 1024 * 1024
    mail_connections: Annotated[
        int, Meta(ge=1, description="connections to the receiver of mail at once")
    ] = 100
    mail_rate: Annotated[
        int,
        Meta(
            ge=0,
            description="mails per second and address over SMTP before 450; LMTP has no limit; 0: no limit",
        ),
    ] = 20
    mail_certificate: Annotated[str, _doc("PEM file of the certificate for STARTTLS; empty: not offered")] = (
        ""
    )
    mail_key: Annotated[str, _doc("PEM file of its key; empty: it is in the same file")] = ""
    maildir: Annotated[str, _doc("a maildir that mail which comes back is delivered to; empty: none")] = ""
    maildir_remove: Annotated[bool, _doc("remove mails that were recorded instead of moving them to cur")] = (
        False
    )
    imap_url: Annotated[
        str,
        _doc(
            "a mailbox to fetch mail from: imaps://HOST[:PORT]/FOLDER, or imap:// with STARTTLS; empty: none"
        ),
    ] = ""
    imap_user: Annotated[str, _doc("login at the IMAP server")] = ""
    imap_password: Annotated[str, _doc("password at the IMAP server")] = ""
    imap_done: Annotated[
        str, _doc("folder that mails go to when they are recorded; empty: they are marked as seen")
    ] = ""
    imap_seconds: Annotated[float, Meta(gt=0, description="seconds between two looks into the mailbox")] = (
        60.0
    )
    evidence_days: Annotated[
        int, Meta(ge=1, description="days for which mails that came back are kept as they were")
    ] = 90
    bounce_rules: Annotated[
        str, _doc("a TOML file of rules that are asked before ours why mail came back; empty: none")
    ] = ""
    held_opens: Annotated[
        int,
        Meta(
            ge=0,
            description="opens whose read time one worker measures at once; more are answered at once, Not Supported",
        ),
    ] = 20_000
    shutdown_grace: Annotated[
        float, Meta(ge=0, description="seconds that a stopping process may use to finish what it began")
    ] = 20.0


def load(
    flags: Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """The effective settings. `file` None: `HELIOGRAPH_CONFIG`, else `heliograph.toml` in the working
    directory where there is one. Raises `OperatorError`, naming the setting and where it came from."""
    environ = os.environ if environ is None else environ
    known = {field.name for field in msgspec.structs.fields(Settings)}
    lists = {field.name for field in msgspec.structs.fields(Settings) if isinstance(field.default, tuple)}
    merged: dict[str, Any] = {}
    for where, values in (
        ("the settings file", from_file(file, environ)),
        ("the environment", from_variables(environ, lists)),
        ("the command line", {k: v for k, v in (flags or {}).items() if v is not None}),
    ):
        unknown = sorted(set(values) - known)
        if unknown:
            raise OperatorError(f"{where} has no setting {unknown[0]}{perhaps(unknown[0], known)}")
        merged.update(values)
        try:
            msgspec.convert(merged, Settings, strict=False)
        except msgspec.ValidationError as error:
            raise OperatorError(f"{where} is wrong: {error}") from error
    return msgspec.convert(merged, Settings, strict=False)


def to_environment(settings: Settings) -> dict[str, str]:
    """The settings as a process hands them to its children (`from_environment` reads them)."""
    return {"HELIOGRAPH_EFFECTIVE": msgspec.json.encode(settings).decode()}


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings that the parent process handed over, or else those of `load`."""
    environ = os.environ if environ is None else environ
    handed = environ.get("HELIOGRAPH_EFFECTIVE")
    return msgspec.json.decode(handed, type=Settings) if handed else load(environ=environ)


def shown(settings: Settings) -> dict[str, Any]:
    """The settings for people: secrets masked."""
    plain = msgspec.to_builtins(settings)
    for relay in plain["relays"]:
        relay["password"] = _masked(relay["password"])
    return {name: _masked(value) if name in SECRETS else value for name, value in plain.items()}


def public_url(settings: Settings) -> str:
    """What URLs begin with, without a slash at the end."""
    return (settings.base_url or f"http://{settings.listen}").rstrip("/")


def picture_urls(settings: Settings) -> tuple[str, str]:
    """What URLs of live pictures, and of their links, begin with, without a slash at the end."""
    base = public_url(settings)
    return settings.image_url.rstrip("/") or base, settings.click_url.rstrip("/") or base


def tracking_url(settings: Settings) -> str:
    """What URLs of tracking codes begin with, without a slash at the end; `{guid}` in it stands for the code's."""
    return settings.tracking_url.rstrip("/") or public_url(settings)


def topics_url(settings: Settings) -> str:
    """What URLs in topics' messages begin with, without a slash at the end."""
    return (settings.sns_url or public_url(settings)).rstrip("/")


def _masked(secret: str) -> str:
    return "********" if secret else secret
