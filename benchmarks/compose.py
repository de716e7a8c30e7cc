"""Composing mails: rendering, tracking and putting together, per core, against Jinja2 and a rewriting of links by lxml."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import jinja2
from lxml import html as lxml_html

from benchmarks.report import Row
from heliograph.accounts.model import Account, Policy
from heliograph.clock import SystemClock
from heliograph.events import codec
from heliograph.events.messages import MessageRequested
from heliograph.outbound.messages.facts.look import Facts
from heliograph.outbound.messages.mail.addresses import Mailbox
from heliograph.outbound.messages.making.letters import Desk, Draft
from heliograph.outbound.messages.templates.compose import Composer
from heliograph.outbound.messages.templates.inlining import inline
from heliograph.react.state.definitions import Template
from heliograph.refs import MessageRef, Refs
from heliograph.signing import Keyring

T = TypeVar("T")

ROUNDS = 5
SECONDS = 0.6
ACCOUNT = Account(
    number="123456789012",
    store_id="1",
    name="Shop",
    policy=Policy(from_address="news@shop.example", from_name="Shop", tracking="unless_refused"),
)
BASE = "https://mail.shop.example"

_HEAD = """<html><head><style>td{font-family:Arial;color:#333} .price{color:#d62828} @media (max-width:600px){td{padding:0}}
</style></head><body><p>Hello {{ event.first_name }},</p><table>
{% for item in event['items'] %}<tr><td><a href="https://shop.example/p/{{ item.id }}?a=1&amp;b=2">{{ item.name }}</a></td>
<td class="price">{{ item.price }}</td></tr>{% endfor %}</table>
"""
_CELL = """<td width="25%" valign="top" style="padding:10px 25px;word-break:break-word;font-size:14px;line-height:1.5;
font-family:Helvetica,Arial,sans-serif;text-align:left;color:#444444;background:#ffffff">Warm, light and made to last:
what our people wore all winter, in {{ event.season }} colours and in your size.</td>
"""
_ROW = """<table role="presentation" width="600" cellpadding="0" cellspacing="0" border="0"><tr>
<td class="price" align="center" style="padding:10px 25px;word-break:break-word;">Our {{ event.season }} choice for you:
<a href="https://shop.example/choice?n=%d&amp;utm_content=row" target="_blank" style="color:#ffffff;">See it</a></td>
CELLS</tr></table>
""".replace("CELLS", 4 * _CELL)
_FOOT = '<p><a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>\n'


def against_jinja(scratch: Path) -> list[Row]:
    """Mails of 2 kB and of 60 kB, all different, text part and all."""
    rows: list[Row] = []
    for label, size in (("2 kB", 2_000), ("60 kB", 60_000)):
        source = _source(size)
        ours, jinja = _rate(_ours(source)), _rate(_jinja(source))
        rows += [
            Row(f"{label}: rendered, tracked, as MIME, per core and second", f"{ours:,.0f}",
                f"Jinja2, links by lxml, EmailMessage: {jinja:,.0f}", ours / jinja),
            _once(label, source),
        ]  # fmt: skip
    return rows


def _source(size: int) -> str:
    text = _HEAD
    number = 0
    while len(text) + len(_FOOT) < size:
        text += _ROW.replace("%d", str(number))
        number += 1
    return text + _FOOT


def _context(number: int) -> dict[str, object]:
    items = [{"id": number + n, "name": f"Tea & co {n}", "price": f"{n}.50"} for n in range(3)]
    return {"event": {"first_name": f"Ann{number}", "season": "winter", "items": items}}


def _ours(source: str) -> Callable[[int], int]:
    clock = SystemClock()
    desk = Desk(Composer(clock), Refs(Keyring({1: b"k" * 32}, 1)), BASE)
    template = Template(
        name="news", version=1, parts={"subject": "Hello {{ event.first_name }}", "html": source}
    )
    facts = Facts(None, template)

    def make(number: int) -> int:
        wanted = MessageRequested(address=f"ann{number}@x.example", template="news", context=_context(number))
        event = codec.make(wanted, account=ACCOUNT.number, subject="email:x", now=clock.now())
        draft = desk.draft(event, facts, ACCOUNT, Mailbox(wanted.address), clock.now())
        if not isinstance(draft, Draft):
            raise TypeError(draft)
        return len(draft.parcel.content)

    return make


def _jinja(source: str) -> Callable[[int], int]:
    """The straightforward way: compiled once, autoescaped, links rewritten in a tree, the standard library's mail."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(inline(source)[0])
    subject = environment.from_string("Hello {{ event.first_name }}")
    refs = Refs(Keyring({1: b"k" * 32}, 1))

    def make(number: int) -> int:
        context = _context(number)
        ref = MessageRef(ACCOUNT.number, f"018cc251-f400-7000-8000-{number:012x}", None)
        rendered = template.render(unsubscribe_url=f"{BASE}/u/{refs.unsubscribe(ref)}", **context)
        tree = lxml_html.fromstring(rendered)
        for element, attribute, link, _ in list(tree.iterlinks()):
            if attribute == "href" and link.startswith("http") and not link.startswith(BASE):
                element.set("href", f"{BASE}/c/{refs.open(ref)}?u={link}")
        mail = EmailMessage()
        mail["Subject"], mail["From"], mail["To"] = (
            subject.render(**context),
            "news@shop.example",
            "a@x.example",
        )
        mail.set_content(str(tree.text_content()))
        mail.add_alternative(lxml_html.tostring(tree, encoding="unicode"), subtype="html")
        return len(mail.as_bytes())

    return make


def _once(label: str, source: str) -> Row:
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        inline(source)
        spent.append(time.process_time() - began)
    return Row(
        f"{label}: styles into tags, once per version", f"{1000 * statistics.median(spent):.1f} ms CPU"
    )


def _rate(make: Callable[[int], int]) -> float:
    """Mails in a second of CPU time: the median of several rounds."""
    make(0)
    rates = []
    for _ in range(ROUNDS):
        began, made = time.process_time(), 0
        while (spent := time.process_time() - began) < SECONDS / 2:
            made += 1
            make(made)
        rates.append(made / spent)
    return statistics.median(rates)
