"""Mails: rendering, instrumenting, building and signing a second on one core; and mails a second from the engine to a sink.

Two references do the same job with the parts that everybody has: a loop of Jinja2, `EmailMessage`, dkimpy (both
signatures, as ours) and smtplib over one connection; and what Django's bulk sending does, legacy MIME classes and one
connection. Neither tracks links, keeps who got what, or survives a crash. Both are also shown without signing.

By the clock everything has both cores, of which a loop uses one; per CPU-second is what each takes of them, whoever else is
busy on the machine: for ours of the whole tree, journal included, for a loop of its process. The sink's is told apart.
"""

from __future__ import annotations

import asyncio
import base64
import smtplib
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import NamedTuple

import dkim
from cryptography.hazmat.primitives import serialization
from jinja2 import Environment

from benchmarks.report import Row
from benchmarks.servers import Server, ours
from benchmarks.sink import sink
from heliograph.accounts import keys
from heliograph.accounts.dkim import DkimKey, activate, add_dkim_keys, dkim_keys
from heliograph.accounts.model import Account, Policy
from heliograph.app import templates
from heliograph.app.storage import remote
from heliograph.clock import SystemClock
from heliograph.database import memory_state, open_state
from heliograph.events import codec, subjects
from heliograph.events.event import Record, new_id
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.look import Facts
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.mail.dkim import Signers
from heliograph.outbound.messages.making.letters import Desk, Draft
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.react.state.definitions import Template
from heliograph.refs import Refs
from heliograph.settings import load as load_settings
from heliograph.signing import Keyring

ACCOUNT, DOMAIN = "123456789012", "shop.example"
SIZES = (2_000, 60_000)
MAILS = {2_000: 6000, 60_000: 2000}
"""How many go through the engine: some seconds."""
WARM = 1_000
"""How many go before them: until what makes mails has been started, one process after the other."""
SECONDS = 2.0
GOAL_PER_SECOND, GOAL_RATIO = 1000.0, 10.0

_ROW = (
    '<tr><td style="padding:8px 16px;font-family:Arial,sans-serif;font-size:14px;color:#333333">{{ event.title }}'
    ' for {{ event.price }}</td><td><a href="https://shop.example/p/%d?ref=mail" style="color:#0a7">Look at it</a></td></tr>\n'
)
_PROSE = '<tr><td style="padding:8px 16px;font-family:Arial,sans-serif;font-size:14px">Free delivery, and 30 days to think it over.</td></tr>\n'


class Speed(NamedTuple):
    """Mails sent a second: by the clock, and of CPU time."""

    clock: float
    cpu: float

    @property
    def shown(self) -> str:
        """Both."""
        return f"{self.clock:.0f}/s, {self.cpu:.0f} per CPU-s"


class Reference(NamedTuple):
    """A way to make a mail of what a loop has: the template, an address, a first name."""

    name: str
    make: Callable[[str, int], bytes]


def template(size: int) -> dict[str, str]:
    """A template of about so many bytes of HTML: every tenth row has values and a link."""
    rows, number = "", 0
    while len(rows) < size - 300:
        rows += _ROW % number if number % 10 == 0 else _PROSE
        number += 1
    html = f"<html><body><p>Dear {{{{ person.first_name }}}},</p><table>{rows}</table></body></html>"
    leave = "<p><a href='{{ unsubscribe_url }}'>Leave</a></p></body>"
    return {
        "subject": "{{ person.first_name }}, your cart waits",
        "html": html.replace("</body>", leave),
        "text": "Dear {{ person.first_name }}, {{ event.title }} waits.\n{{ unsubscribe_url }}\n",
    }


def mails(scratch: Path) -> list[Row]:
    """Everything, for both sizes."""
    rows = []
    for size in SIZES:
        what = f"{size // 1000} kB"
        made = _per_second(_ours(size))
        rows.append(Row(f"{what}: rendered, tracked, built, signed twice, one core", f"{made:.0f}/s"))
        rows += [
            Row(f"{what}: made by {one.name}", f"{speed:.0f}/s", "ours", made / speed)
            for one in _references(size)
            for speed in (_per_second(one.make),)
        ]
        sent = _engine(scratch / f"engine-{size}", size)
        rows.append(Row(f"{what}: engine to sink", sent.shown, goal=GOAL_PER_SECOND, value=sent.clock))
        for one in _references(size):
            loop = _loop(one)
            goal = GOAL_RATIO if one.name == LOOP else None
            told = f"{what}: sent by {one.name}"
            rows.append(Row(told, loop.shown, "ours, by the clock", sent.clock / loop.clock, goal))
            rows.append(Row(told, "", "ours, per CPU-second", sent.cpu / loop.cpu, goal))
    return rows


def _ours(size: int) -> Callable[[str, int], bytes]:
    policy = Policy(from_name="The Shop", from_address=f"news@{DOMAIN}")
    account = Account(number=ACCOUNT, store_id="7", name="Shop", policy=policy)
    clock = SystemClock()
    desk = Desk(
        Composer(clock), Refs(Keyring({1: b"k" * 32}, 1)), "https://mail.shop.example", signers=_signers()
    )
    facts = Facts(None, Template(name="bench", version=1, parts=template(size), settings={}))

    def make(address: str, number: int) -> bytes:
        wanted = MessageRequested(
            address=address, template="bench", context={"event": {"title": f"Tea {number}", "price": "9.90"}}
        )
        event = codec.make(wanted, account=ACCOUNT, subject=subjects.email(address), now=clock.now())
        draft = desk.draft(event, facts, account, Mailbox(address), clock.now())
        if not isinstance(draft, Draft):
            raise TypeError(draft)
        return draft.parcel.content

    return make


def _keys() -> list[DkimKey]:
    state = memory_state()
    with state.begin() as connection:
        return add_dkim_keys(connection, ACCOUNT, DOMAIN, "bench", 1)


def _signers() -> Signers:
    state = memory_state()
    with state.begin() as connection:
        for key in add_dkim_keys(connection, ACCOUNT, DOMAIN, "bench", 1):
            activate(connection, key, 1)
    return Signers(state)


LOOP = "Jinja2, EmailMessage, dkimpy, smtplib"


def _references(size: int) -> Sequence[Reference]:
    parts = {name: Environment(autoescape=True).from_string(text) for name, text in template(size).items()}

    def filled(number: int) -> dict[str, str]:
        values = {
            "person": {"first_name": "Joe"},
            "event": {"title": f"Tea {number}", "price": "9.90"},
            "unsubscribe_url": f"https://mail.shop.example/u/{number:080d}",
        }
        return {name: part.render(values) for name, part in parts.items()}

    def headed(mail: EmailMessage | MIMEMultipart, address: str, number: int, subject: str) -> None:
        mail["From"], mail["To"], mail["Subject"] = f"The Shop <news@{DOMAIN}>", address, subject
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=DOMAIN)
        mail["List-Unsubscribe"] = f"<https://mail.shop.example/u/{number:080d}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"

    def modern(address: str, number: int) -> bytes:
        text = filled(number)
        mail = EmailMessage()
        headed(mail, address, number, text["subject"])
        mail.set_content(text["text"])
        mail.add_alternative(text["html"], subtype="html")
        return mail.as_bytes()

    def django(address: str, number: int) -> bytes:
        text = filled(number)
        mail = MIMEMultipart("alternative")
        headed(mail, address, number, text["subject"])
        mail.attach(MIMEText(text["text"], "plain", "utf-8"))
        mail.attach(MIMEText(text["html"], "html", "utf-8"))
        return mail.as_bytes()

    sign = _dkimpy()
    return (
        Reference(LOOP, lambda address, number: sign(modern(address, number))),
        Reference("the same, unsigned", modern),
        Reference("Django's way, dkimpy", lambda address, number: sign(django(address, number))),
        Reference("Django's way, unsigned", django),
    )


def _dkimpy() -> Callable[[bytes], bytes]:
    rsa, ed25519 = sorted(_keys(), key=lambda key: key.algorithm == "ed25519")
    pem = serialization.load_der_private_key(rsa.private_key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    seed = serialization.load_der_private_key(ed25519.private_key, None).private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    encoded = base64.b64encode(seed)
    headers = [
        b"from",
        b"to",
        b"subject",
        b"date",
        b"message-id",
        b"list-unsubscribe",
        b"list-unsubscribe-post",
    ]

    def sign(mail: bytes) -> bytes:
        mail = mail.replace(b"\n", b"\r\n")
        both = (b"bench", pem, b"rsa-sha256"), (b"bench-ed25519", encoded, b"ed25519-sha256")
        lines = [
            dkim.sign(
                mail,
                selector,
                DOMAIN.encode(),
                key,
                canonicalize=(b"relaxed", b"relaxed"),
                include_headers=headers,
                signature_algorithm=algorithm,
            )
            for selector, key, algorithm in both
        ]
        return b"".join(lines) + mail

    return sign


def _per_second(make: Callable[[str, int], bytes]) -> float:
    """How many of CPU time, after a few to get warm."""
    for number in range(5):
        make("warm@x.example", number)
    begun, number = time.process_time(), 0
    while time.process_time() - begun < SECONDS:
        make(f"p{number}@x.example", number)
        number += 1
    return number / (time.process_time() - begun)


def _loop(reference: Reference) -> Speed:
    """Over one connection to the sink."""
    with sink(10**9) as (port, _):
        server = smtplib.SMTP("127.0.0.1", port)
        begun, used, number = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - begun < SECONDS:
            address = f"p{number}@x.example"
            server.sendmail(f"news@{DOMAIN}", [address], reference.make(address, number))
            number += 1
        speed = Speed(number / (time.perf_counter() - begun), number / max(time.process_time() - used, 0.001))
        server.quit()
    return speed


def _engine(place: Path, size: int) -> Speed:
    """From when the mails are asked for until the sink has the last of them."""
    place.mkdir()
    taken = place / "taken"
    with sink(WARM + MAILS[size], str(taken)) as (port, told):
        relay = f"smtp://127.0.0.1:{port}"
        with ours(
            place, smtp_relay=relay, smtp_connections="16", base_url="https://mail.shop.example"
        ) as server:
            asyncio.run(_prepare(server, size))
            asyncio.run(_ask(server, range(WARM)))
            while taken.read_bytes().count(b"\n") < WARM:
                time.sleep(0.05)
            used, begun = server.cpu(), time.perf_counter()
            asyncio.run(_ask(server, range(WARM, WARM + MAILS[size])))
            told()
            seconds = time.perf_counter() - begun
            return Speed(MAILS[size] / seconds, MAILS[size] / (server.cpu() - used))


async def _prepare(server: Server, size: int) -> None:
    """Say who sends, what signs, and what is sent."""
    account, now = server.keys["account"], time.time_ns() // 1000
    state = open_state(server.data)
    with state.begin() as connection:
        keys.set_policy(connection, account, {"from_name": "The Shop", "from_address": f"news@{DOMAIN}"})
        add_dkim_keys(connection, account, DOMAIN, "bench", now)
        for key in dkim_keys(connection, account):
            activate(connection, key, now)
    settings = load_settings({"data": str(server.data)}, environ={})
    await templates.save(settings, None, "bench", template(size), {})
    await asyncio.sleep(1.0)  # for the policy and the keys to be seen


async def _ask(server: Server, numbers: Sequence[int]) -> None:
    """Ask for a mail each, all at once."""
    account, now = server.keys["account"], time.time_ns() // 1000
    async with remote(load_settings({"data": str(server.data)}, environ={})) as journal:
        for first in range(0, len(numbers), 500):
            some = numbers[first : first + 500]
            await journal.append([_request(account, now, number) for number in some])


def _request(account: str, now: int, number: int) -> Record:
    wanted = MessageRequested(
        address=f"p{number}@x.example",
        template="bench",
        context={"event": {"title": f"Tea {number}", "price": "9.90"}},
    )
    subject = subjects.email(wanted.address)
    return codec.encode(codec.make(wanted, account=account, subject=subject, now=now, id=new_id(now)))
