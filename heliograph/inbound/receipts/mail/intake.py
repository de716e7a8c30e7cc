"""The rim of mail that comes back: one mail in, evidence and events on disk, then the answer.

Whoever brings a mail (the receiver, a maildir, an IMAP mailbox) says it is done with it only when `take` has returned. The
ids of the events are derived, so a mail that comes again, or by another way, is recorded once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import NamedTuple, TypeVar

from prometheus_client import Counter
from sqlalchemy import Connection, Engine

from heliograph.accounts.directory import Directory
from heliograph.accounts.privacy import kept_ip
from heliograph.bounces.rules import RULES, Rule
from heliograph.clock import Clock
from heliograph.errors import Unavailable
from heliograph.events import codec, subjects
from heliograph.events.event import AnyEvent
from heliograph.inbound.receipts.evidence import About, EvidenceFiles
from heliograph.inbound.receipts.mail import whose
from heliograph.inbound.receipts.mail.notice import Notice, read_notice
from heliograph.inbound.receipts.mail.telling import Arrival, tell
from heliograph.inbound.receipts.receipt import Addressed, addressed
from heliograph.journal.journal import Journal
from heliograph.refs import ForgedRef, Refs

log = logging.getLogger("heliograph.mail")

TAKEN = Counter("heliograph_mails", "Mails that came back, by what they are.", ["what"])

T = TypeVar("T")


class Delivery(NamedTuple):
    """How a mail was brought: MAIL FROM (None: not known), whom to, and the address that it came from."""

    sender: str | None
    recipients: tuple[str, ...] = ()
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """Takes mail. `mailboxes`: addresses, with `*` for anything, that are taken beside our return paths; `account`: whose
    a mail is that leads to no message; `believe_addresses`: whether a notice may name an address alone."""

    journal: Journal
    state: Engine
    directory: Directory
    refs: Refs
    files: EvidenceFiles
    clock: Clock
    mailboxes: tuple[str, ...] = ()
    account: str = ""
    believe_addresses: bool = True
    rules: tuple[Rule, ...] = RULES

    def accepts(self, recipient: str) -> bool:
        """Whether mail to this address is for us: a return path that we signed, or a mailbox of ours."""
        return self._is_ours(recipient) or any(
            fnmatchcase(recipient.lower(), mailbox.lower()) for mailbox in self.mailboxes
        )

    async def take(self, raw: bytes, delivery: Delivery) -> AnyEvent | None:
        """Read one mail and record what it says; None: it is about somebody who was erased, and nothing is kept.
        Raises `Unavailable` or `OSError` when nothing could be recorded: it must be brought again."""
        notice = await asyncio.to_thread(_read, raw, delivery.sender)
        found = await asyncio.to_thread(
            self._look,
            lambda connection: whose.by_reference(notice, delivery.recipients, self.refs, connection),
        )
        if found == whose.FORGOTTEN:
            TAKEN.labels(whose.FORGOTTEN).inc()
            return None
        if isinstance(found, whose.Found):
            log.debug("a mail came back (%s): its message was found by its %s", notice.what, found.by)
        to = found.to if isinstance(found, whose.Found) else await self._by_address(notice)
        event = await asyncio.to_thread(self._keep, raw, notice, to, delivery)
        await self.journal.append_once([codec.encode(event)])
        TAKEN.labels(notice.what).inc()
        return event

    async def taken(self, raw: bytes, delivery: Delivery, name: str) -> bool:
        """Take one mail of many; False: it is left where it is, for it fails on a fault of ours, and that is logged.
        Raises as `take` does when nothing can be recorded just now."""
        try:
            await self.take(raw, delivery)
        except (Unavailable, OSError):
            raise
        except Exception:
            log.exception("a mail could not be taken and is left: %s", name)
            return False
        return True

    def _keep(self, raw: bytes, notice: Notice, to: Addressed | None, delivery: Delivery) -> AnyEvent:
        """The event, once the evidence is on disk."""
        account = to.account if to else self._fallback()
        now = self.clock.now()
        ip = self._kept_ip(account, delivery.ip)
        recipient = delivery.recipients[0] if delivery.recipients else ""
        arrival = Arrival(account, recipient, ip, now, self.files.id_of(account, raw))
        event = tell(notice, to, arrival, self.rules)
        about = About(
            kind="mail",
            at=now,
            events=(event.id,),
            ip=ip,
            sender=delivery.sender,
            recipients=delivery.recipients,
        )
        self.files.keep(account, raw, about)
        return event

    async def _by_address(self, notice: Notice) -> Addressed | None:
        """The latest message to the address that a notice or a complaint names, where that may be believed."""
        if not self.believe_addresses or notice.what not in ("notice", "complaint"):
            return None
        named = [result.address for result in notice.results if result.action != "expanded"]
        named += notice.feedback.recipients if notice.feedback else ()
        account = self._fallback()
        for address in filter(None, named):
            wanted = subjects.normal_email(address)
            theirs = await asyncio.to_thread(self._look, lambda c, a=wanted: whose.subjects_of(c, account, a))
            message = await whose.latest_to(self.journal, theirs, account, wanted, self.clock.now())
            if message is not None:
                return await asyncio.to_thread(self._look, lambda c, m=message: addressed(c, account, m))
        return None

    def _is_ours(self, recipient: str) -> bool:
        try:
            self.refs.read_bounce(recipient)
        except ForgedRef:
            return False
        return True

    def _fallback(self) -> str:
        """Whose a mail is that leads to no message: as configured, else the first account's."""
        return self.account or min(self.directory.accounts)

    def _kept_ip(self, account: str, ip: str) -> str:
        known = self.directory.account(account)
        return kept_ip(ip, known.policy.ip) if known is not None and ip else ""

    def _look(self, ask: Callable[[Connection], T]) -> T:
        with self.state.connect() as connection:
            return ask(connection)


def _read(raw: bytes, sender: str | None) -> Notice:
    """What a mail is; one on which our reader fails is kept and shown like any other."""
    try:
        return read_notice(raw, sender)
    except Exception as error:
        log.exception("a mail could not be read")
        return Notice("unreadable", f"our reader failed: {type(error).__name__}")
