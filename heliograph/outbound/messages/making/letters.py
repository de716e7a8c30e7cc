"""A request, what is known, and an account -> a finished mail; or what is missing, in words for who can mend it.

Pure but for the composer's cache and clock: composes, instruments, and puts the mail together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import msgspec

from heliograph.accounts.model import Account, Policy
from heliograph.attachments.kept import KeptFiles
from heliograph.events.event import Event, scoped_id
from heliograph.events.messages import MessageRequested, RenderError
from heliograph.outbound.messages.channels.channel import Parcel
from heliograph.outbound.messages.facts.look import Facts, topic_of
from heliograph.outbound.messages.facts.lookups import RECORDS, Looked, Lookups, Sources
from heliograph.outbound.messages.mail.addresses import Mailbox, mailbox
from heliograph.outbound.messages.mail.attachments import files, listed, nothing_kept
from heliograph.outbound.messages.mail.dkim import Signers, signatures
from heliograph.outbound.messages.mail.headers import added_headers
from heliograph.outbound.messages.mail.instrument import (
    confirm_url,
    instrument,
    preferences_url,
    unsubscribe_url,
    web_copy_url,
)
from heliograph.outbound.messages.mail.mime import (
    Letter,
    Sender,
    assemble,
    envelope_sender,
    feedback_id,
    message_id,
)
from heliograph.outbound.messages.templates.compose import Composed, Composer, one_line, values
from heliograph.outbound.messages.templates.live import Live
from heliograph.react.state.definitions import Template
from heliograph.refs import MessageRef, Refs
from heliograph.url_parameters import parameters

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Draft(msgspec.Struct, frozen=True, array_like=True, tag="draft"):
    """A mail ready to go, and what events tell of it."""

    parcel: Parcel
    subject: str
    message_id: str
    sender: str
    template_version: int
    looked: Looked
    topic: str | None


class Written(NamedTuple):
    """What a message says, tracked, and where its recipient withdraws."""

    composed: Composed
    leave: str
    looked: Looked


class Undeliverable(msgspec.Struct, frozen=True, array_like=True, tag="undeliverable"):
    """The account cannot send; the operator can mend it. `why` says how."""

    why: str


class Failed(msgspec.Struct, frozen=True, array_like=True, tag="failed"):
    """The template cannot be rendered for this recipient."""

    errors: tuple[RenderError, ...]
    looked: Looked = ()


Made = Draft | Undeliverable | Failed
"""What came of making a mail."""


class Desk:
    """Where letters are written: what is the same for all of them. `base`: what our URLs begin with; `pictures`: what
    those of live pictures and of their links begin with, where that is something else; `bounce_address`: the return
    path of accounts that name none; `signers`: the keys for DKIM, None: mail is not signed; `kept`: the files that go
    with many mails."""

    def __init__(
        self,
        composer: Composer,
        refs: Refs,
        base: str,
        pictures: tuple[str, str] | None = None,
        bounce_address: str = "",
        signers: Signers | None = None,
        kept: KeptFiles | None = None,
    ) -> None:
        self._composer = composer
        self._refs = refs
        self._base = base
        self._pictures = pictures or (base, base)
        self._bounce_address = bounce_address
        self._signers = signers
        self._kept = kept

    def draft(
        self, event: Event[MessageRequested], facts: Facts, account: Account, recipient: Mailbox, now: int
    ) -> Made:
        """The mail that was asked for, as of `now` (microseconds)."""
        template = facts.template
        if template is None:
            return Failed((no_template(event.data),))
        sender = sender_of(template, account)
        if isinstance(sender, Undeliverable):
            return sender
        written = self._written(event, facts, template, account, now)
        if isinstance(written, Failed):
            return written
        letter = _letter(event, account, sender, recipient, written, now)
        try:
            further = added_headers(_headers(template))
            attached = files(
                (*listed(template.settings.get("attachments")), *event.data.attachments),
                partial(self._kept.read, account.number) if self._kept else nothing_kept,
            )
        except ValueError as error:
            return Undeliverable(f"template {template.name}: {error}")
        letter = replace(letter, headers=further, files=attached)
        domain = sender.mailbox.domain
        mail = assemble(letter)
        signers = self._signers.of(account.number, domain) if self._signers is not None else ()
        unsigned = account.policy.dkim_unsigned
        content = mail.content(signatures(mail.head, mail.body, signers, now, unsigned))
        path = self._return_path(event, template, account, sender)
        return Draft(
            Parcel(path, recipient, content, event.id, account.number, domain),
            written.composed.subject,
            message_id(letter),
            sender.mailbox.address,
            template.version,
            written.looked,
            topic_of(event.data, template),
        )

    def page(
        self, event: Event[MessageRequested], facts: Facts, account: Account, now: int
    ) -> Composed | Failed:
        """The mail as a web page: made again as of `now` (microseconds), its opens and clicks marked as the page's."""
        if facts.template is None:
            return Failed((no_template(event.data),))
        written = self._written(event, facts, facts.template, account, now, web_copy=True)
        return written if isinstance(written, Failed) else written.composed

    def _written(
        self,
        event: Event[MessageRequested],
        facts: Facts,
        template: Template,
        account: Account,
        now: int,
        *,
        web_copy: bool = False,
    ) -> Written | Failed:
        ref = reference(event, facts)._replace(web_copy=web_copy)
        seen = ref if tracked(facts, account.policy) else among_many(event)._replace(web_copy=web_copy)
        urls = self._urls(ref, leaving(ref, event.data, template, account.policy))
        lookups = Lookups(facts.record)
        composed = self._composer.compose(
            (account.number, template.name, template.version),
            template.parts,
            {
                **facts.objects,
                **values(event.data, facts.person, account, now, urls),
                RECORDS: Sources(lookups),
            },
            Live(*self._pictures, self._refs.image(ref)),
            inlined=template.settings.get("inline_css") is not False,
        )
        if not isinstance(composed, Composed):
            return Failed(composed, lookups.told(event, now))
        if composed.html is not None:
            composed = composed._replace(
                html=self._told(composed.html, event, seen, template, account.policy)
            )
        return Written(composed, urls["unsubscribe_url"], lookups.told(event, now))

    def _told(
        self, html: str, event: Event[MessageRequested], seen: MessageRef, template: Template, policy: Policy
    ) -> str:
        """The HTML that tells what becomes of it."""
        append = parameters(_wanted_parameters(event.data, template, policy), _belongs(event))
        hooks = template.settings.get("tracking_hooks", policy.tracking_hooks) is True
        return instrument(
            html, seen, self._refs, self._base, trap=policy.trap_link, hooks=hooks, append=append
        )

    def _return_path(
        self, event: Event[MessageRequested], template: Template, account: Account, sender: Sender
    ) -> Mailbox:
        path = setting(template, "return_path") or account.policy.bounce_address or self._bounce_address
        return envelope_sender(sender.mailbox, event.id, path, self._refs.bounce(event.account, event.id))

    def _urls(self, ref: MessageRef, leave: MessageRef) -> dict[str, str]:
        return {
            "unsubscribe_url": unsubscribe_url(leave, self._refs, self._base),
            "preferences_url": preferences_url(ref, self._refs, self._base),
            "confirm_url": confirm_url(ref, self._refs, self._base),
            "web_copy_url": web_copy_url(ref, self._refs, self._base),
        }


def reference(event: Event[MessageRequested], facts: Facts) -> MessageRef:
    """What a message's URLs carry. A request that names no person is not tied to one (STD-7), whoever has the
    address; one that names somebody who was merged is tied to who they are now."""
    person = event.data.person
    if person is not None and facts.person is not None:
        person = facts.person.id
    return MessageRef(event.account, event.id, person if person and _UUID.fullmatch(person) else None)


def leaving(ref: MessageRef, wanted: MessageRequested, template: Template, policy: Policy) -> MessageRef:
    """What the link to leave carries: of a message about a subscription topic, that only the topic is left, unless the
    account says that everything is."""
    only_topic = topic_of(wanted, template) is not None and policy.one_click_leaves == "topic"
    return ref._replace(only_topic=only_topic)


def tracked(facts: Facts, policy: Policy) -> bool:
    """Whether opens and clicks may be tied to whom it goes to: as they said themselves, else as the account does
    with those who said nothing (STD-7)."""
    said = facts.person.accepts_tracking if facts.person is not None else None
    return policy.tracking == "unless_refused" if said is None else said


def among_many(event: Event[MessageRequested]) -> MessageRef:
    """What the pixel and the links carry of a message that must not be tied to anybody: an id that all messages of
    its automation, job or template have in common, so that their opens are still counted together."""
    wanted = event.data
    together = wanted.job or wanted.automation or ""
    crowd = scoped_id(event.account, "untracked", f"{together}/{wanted.template}")
    return MessageRef(event.account, crowd, None, aggregate=True)


def sender_of(template: Template, account: Account) -> Sender | Undeliverable:
    """Who the mail is from: as the template says, else the account."""
    policy = account.policy
    address = setting(template, "from_address") or policy.from_address
    if not address:
        return Undeliverable(
            f"account {account.number} has no from_address: "
            f"`heliograph accounts set from_address=news@your-domain --account {account.number}`"
        )
    said = {
        "from_address": address,
        "reply_to": setting(template, "reply_to") or policy.reply_to,
        "sender": setting(template, "sender"),
    }
    found = {name: mailbox(text) for name, text in said.items() if text}
    wrong = next((name for name, box in found.items() if box is None), None)
    sending = found["from_address"]
    if wrong is not None or sending is None:
        return Undeliverable(f"the {wrong} of account {account.number} is no e-mail address")
    name = setting(template, "from_name") or policy.from_name or account.name
    return Sender(
        name=one_line(name),
        mailbox=sending,
        reply_to=found.get("reply_to"),
        agent=found.get("sender"),
        agent_name=one_line(setting(template, "sender_name")),
    )


def _letter(
    event: Event[MessageRequested],
    account: Account,
    sender: Sender,
    recipient: Mailbox,
    written: Written,
    now: int,
) -> Letter:
    wanted, composed = event.data, written.composed
    marketing = not wanted.transactional
    campaign = wanted.campaign.id if wanted.campaign else None
    stream = wanted.automation or wanted.job or wanted.template
    return Letter(
        message=event.id,
        sender=sender,
        recipient=recipient,
        subject=composed.subject,
        html=composed.html,
        text=composed.text,
        date=now,
        unsubscribe=(written.leave,) if marketing or wanted.list_unsubscribe else (),
        list_name=sender.name,
        list_id=f"{account.number}.{sender.mailbox.domain}" if marketing else "",
        feedback_id=feedback_id(campaign, stream, account.number, transactional=wanted.transactional),
    )


def _wanted_parameters(wanted: MessageRequested, template: Template, policy: Policy) -> str:
    """What links lead with: as who asked for the message says, else its template, else the account. An empty text
    says: with nothing."""
    if wanted.url_append is not None:
        return wanted.url_append
    return setting(template, "url_append") if "url_append" in template.settings else policy.url_append


def _belongs(event: Event[MessageRequested]) -> dict[str, str]:
    wanted = event.data
    return {
        "account": event.account,
        "template": wanted.template,
        "automation": wanted.automation or "",
        "job": wanted.job or "",
        "campaign": wanted.campaign.name if wanted.campaign else "",
        "message": event.id,
    }


def no_template(wanted: MessageRequested) -> RenderError:
    """What is wrong where the template is not there."""
    version = f" in version {wanted.template_version}" if wanted.template_version is not None else ""
    return RenderError(
        code="Template not found", message=f"there is no template {wanted.template!r}{version}: save it first"
    )


def setting(template: Template, name: str) -> str:
    """A template's setting that is a text; empty where it has none."""
    value = template.settings.get(name)
    return value.strip() if isinstance(value, str) else ""


def _headers(template: Template) -> Mapping[str, object]:
    value = template.settings.get("headers")
    return value if isinstance(value, Mapping) else {}
