"""An account that mail was sent for, its door for providers' callbacks, and each provider as it signs and speaks.

The signatures are made here from the providers' documents, with nothing of the code that verifies them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from door_calls import Asked
from sqlalchemy import Connection

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Account, Key, Policy
from heliograph.clock import SECOND, ManualClock
from heliograph.database import METADATA, open_state
from heliograph.errors import CallerError, Unavailable
from heliograph.events import codec
from heliograph.events.event import AnyEvent
from heliograph.events.messages import MessageRequested
from heliograph.inbound.receipts.evidence import EvidenceFiles
from heliograph.inbound.receipts.providers import doors
from heliograph.journal.memory import MemoryJournal
from heliograph.react.state.folds import FOLDS
from heliograph.refs import Refs
from heliograph.settings import Settings
from heliograph.signing import Keyring
from heliograph.web.http import Reply

NOW = 1_800_000_000 * SECOND
SECONDS = NOW // SECOND
ISO = "2027-01-15T08:00:00.123Z"
BASE = "https://mail.shop.example"
NUMBER, STORE = "000000000001", "SHOP1"
ANN = "ann@example.com"
MESSAGE = "018bcfe5-6800-7000-8000-00000000000a"
TEXT = "018bcfe5-6800-7000-8000-00000000000b"
FOREIGN = "018bcfe5-6800-7000-8000-00000000000c"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:ses-events"
CERTIFICATE_URL = f"https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-{'0a' * 16}.pem"

Headers = Mapping[str, str]


class Amazon:
    """A key and its certificate, as Amazon SNS has them."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=3650))
            .sign(self.key, hashes.SHA256())
        )
        self.pem = made.public_bytes(serialization.Encoding.PEM)

    def message(self, type_: str, version: str = "1", **fields: str) -> bytes:
        """A signed message, as the developer guide builds its string to sign."""
        said = {
            "Type": type_,
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": TOPIC,
            "Timestamp": "2027-01-15T08:00:00.000Z",
            "SignatureVersion": version,
            "SigningCertURL": CERTIFICATE_URL,
            **fields,
        }
        names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
        if type_ == "Notification":
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        text = "".join(f"{name}\n{said[name]}\n" for name in names if name in said)
        digest = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303 - Amazon's
        signature = self.key.sign(text.encode(), padding.PKCS1v15(), digest)
        return json.dumps({**said, "Signature": base64.b64encode(signature).decode()}).encode()


AMAZON = Amazon()
SENDGRID = ec.generate_private_key(ec.SECP256R1())
SENDGRID_KEY = base64.b64encode(
    SENDGRID.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()
SECRETS = {
    "sparkpost": "spark:open sesame",
    "sendgrid": SENDGRID_KEY,
    "mailgun": "mailgun-signing-key",
    "postmark": "post:mark",
    "twilio": "12345",
    "http": json.dumps(
        {
            "secret": "shared-by-two",
            "header": "X-Signature",
            "prefix": "sha256=",
            "id": "report.id",
            "status": "report.status",
            "error": "report.error",
            "failures": {"UNKNOWN_SUBSCRIBER": "INVALID_ADDRESS"},
        }
    ),
}


@dataclass
class Sent:
    """A callback as a provider sends it."""

    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""


def basic(secret: str) -> str:
    return "Basic " + base64.b64encode(secret.encode()).decode()


def by_sparkpost(body: Any) -> Sent:
    return Sent(json.dumps(body).encode(), {"authorization": basic(SECRETS["sparkpost"])})


def by_postmark(body: Any) -> Sent:
    return Sent(json.dumps(body).encode(), {"authorization": basic(SECRETS["postmark"])})


def by_sendgrid(body: Any, at: int = SECONDS) -> Sent:
    raw = json.dumps(body).encode() + b"\r\n"
    signature = SENDGRID.sign(str(at).encode() + raw, ec.ECDSA(hashes.SHA256()))
    return Sent(
        raw,
        {
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": str(at),
        },
    )


def by_mailgun(body: Any, at: int = SECONDS, token: str = "t0k3n" * 10) -> Sent:
    made = hmac.new(SECRETS["mailgun"].encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return Sent(
        json.dumps(
            {"signature": {"timestamp": str(at), "token": token, "signature": made}, "event-data": body}
        ).encode()
    )


def by_twilio(body: dict[str, str], query: str = f"message={TEXT}") -> Sent:
    url = f"{BASE}/receipts/twilio/{STORE}" + (f"?{query}" if query else "")
    text = url + "".join(name + body[name] for name in sorted(body))
    made = hmac.new(SECRETS["twilio"].encode(), text.encode(), hashlib.sha1).digest()
    headers = {
        "x-twilio-signature": base64.b64encode(made).decode(),
        "content-type": "application/x-www-form-urlencoded",
    }
    return Sent(urlencode(body).encode(), headers, query)


def by_ses(body: Any, version: str = "1") -> Sent:
    return Sent(AMAZON.message("Notification", version, Message=json.dumps(body)))


def by_http(body: Any) -> Sent:
    raw = json.dumps(body).encode()
    made = hmac.new(b"shared-by-two", raw, hashlib.sha256).hexdigest()
    return Sent(raw, {"x-signature": f"sha256={made}"})


BY: dict[str, Callable[[Any], Sent]] = {
    "ses": by_ses,
    "sparkpost": by_sparkpost,
    "sendgrid": by_sendgrid,
    "mailgun": by_mailgun,
    "postmark": by_postmark,
    "twilio": by_twilio,
    "http": by_http,
}


class World:
    """One account with everything set up, two messages to Ann, and another account with one."""

    def __init__(self, data: Path, **policy: Any) -> None:
        data.mkdir(exist_ok=True)
        self.clock, self.journal = ManualClock(NOW), MemoryJournal()
        self.files = EvidenceFiles(data)
        self.state = open_state(data)
        METADATA.create_all(self.state)
        shop = Account(number=NUMBER, store_id=STORE, policy=Policy(receipt_topics=(TOPIC,), **policy))
        other = Account(number="000000000002", store_id="SHOP2")
        keys = [
            Key(id=f"key_{name}", account=NUMBER, kind="receipts", public=name, secret=secret)
            for name, secret in SECRETS.items()
        ]
        master = Keyring({1: b"k" * 32}, 1)
        self.refs = Refs(master)
        self.fetched: list[str] = []
        self.pages: dict[str, bytes] = {CERTIFICATE_URL: AMAZON.pem}
        self.settings = Settings(base_url=BASE, address_rate=1000, batch_body_limit=256 * 1024)
        self.directory = Directory([shop, other], keys, master)
        self.forget_tokens()
        self.sent(MESSAGE, NUMBER, address=ANN)
        self.sent(TEXT, NUMBER, address="+12025550137", channel="sms")
        self.sent(FOREIGN, other.number, address="bob@example.com")

    def forget_tokens(self) -> None:
        """A worker that has just started."""
        (self.route,) = doors.routes(
            self.directory,
            self.refs,
            self.journal,
            self.state,
            self.clock,
            self.settings,
            self.files,
            self.fetch,
        )

    def sent(self, id_: str, account: str, **fields: Any) -> None:
        """A message was asked for, an hour ago."""
        data = MessageRequested(template="t", **fields)
        event = codec.make(data, account=account, subject="account:1", now=NOW - 3600 * SECOND, id=id_)
        with self.state.begin() as connection:
            self.fold(connection, [event])

    @staticmethod
    def fold(connection: Connection, events: list[AnyEvent]) -> None:
        for fold in FOLDS:
            fold.apply(connection, [event for event in events if event.kind in fold.kinds])

    async def fetch(self, url: str) -> bytes | None:
        self.fetched.append(url)
        return self.pages.get(url)

    async def call(
        self,
        provider: str,
        sent: Sent,
        *,
        store: str = STORE,
        method: str = "POST",
        client: str = "192.0.2.9",
    ) -> Reply:
        """One request, answered as the web layer would."""
        asked = Asked(f"/receipts/{provider}/{store}", method, sent.headers, client, sent.query, sent.body)
        try:
            reply = await self.route.handler(asked)
        except (CallerError, Unavailable) as error:
            reply = self.route.error(error)
        assert reply is not None
        return reply

    async def told(self) -> list[AnyEvent]:
        """What is recorded."""
        return [codec.decode(entry) for entry in await self.journal.read(0)]

    def return_path(self) -> str:
        """The signed envelope sender of Ann's message."""
        return f"b-{self.refs.bounce(NUMBER, MESSAGE)}@bounces.shop.example"
