"""The rim of the rules: finds whom an event is about, asks `rules` what follows, and announces it once.

Comes in: events in order, with state at least as new. Goes out: events with derived ids. The same event decided
again after a crash gives the same events: nothing is decided on what folds may have learned since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection

from heliograph.accounts.directory import Directory
from heliograph.accounts.model import Policy
from heliograph.events import codec, subjects
from heliograph.events.consent import (
    Channel,
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionConfirmed,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionRemoved,
    UnsubscriptionRequested,
)
from heliograph.events.engagement import LinkClicked, MessageOpened
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import (
    MessageBounced,
    MessageComplained,
    MessageDelivered,
    MessageRequested,
    SmsReceived,
)
from heliograph.events.people import Customer, PersonCreated, PersonUpdated, flag, text_id
from heliograph.events.preferences import SubscriptionTopicChosen
from heliograph.journal.consumer import Reaction
from heliograph.react.policies import optins, rules, texts
from heliograph.react.policies.rules import Consequence, Place, Proof, Standing, Trace
from heliograph.react.policies.soft_bounces import COUNTED, SoftBounces
from heliograph.react.policies.standings import Standings, is_ours, parts
from heliograph.react.policies.templates import CONFIRM_SUBSCRIPTION
from heliograph.react.state import consent, messages, people
from heliograph.react.state.reading import happened

NAME = "policies"

KINDS = frozenset(
    kind.kind
    for kind in (
        ConsentGranted,
        ConsentWithdrawn,
        SuppressionAdded,
        SuppressionRemoved,
        SubscriptionRequested,
        SubscriptionConfirmed,
        UnsubscriptionRequested,
        PersonCreated,
        PersonUpdated,
        MessageBounced,
        MessageDelivered,
        MessageOpened,
        LinkClicked,
        MessageComplained,
        SmsReceived,
    )
)
_OURS = frozenset(("said", "notes", "keyless"))  # of a subscription: nothing that a mail would say

_ARRIVALS = (MessageDelivered, MessageOpened, LinkClicked)

ASKABLE: frozenset[Channel] = frozenset({"email"})
"""Channels on which we can ask for a confirmation; a yes on another waits as `pending_opt_in`."""


def reaction(directory: Directory, askable: frozenset[Channel] = ASKABLE) -> Reaction:
    """The policies, by the accounts' settings as `directory` has them."""
    return Reaction(name=NAME, kinds=KINDS, decide=partial(_decide, directory, askable))


@dataclass(slots=True)
class _Batch:
    connection: Connection
    standings: Standings
    soft_bounces: SoftBounces
    directory: Directory
    askable: frozenset[Channel]
    now: int
    out: list[AnyEvent] = field(default_factory=list)
    arrivals: list[AnyEvent] = field(default_factory=list)
    """Signs of arrival since the last event of another kind: there are many, and all are looked up at once."""

    def policy(self, event: AnyEvent) -> Policy:
        account = self.directory.account(event.account)
        return account.policy if account else Policy()

    def place(self, event: AnyEvent, channel: Channel, address: str) -> Place:
        if channel != "email":
            return Place(channel, address.strip())
        keep_case = self.policy(event).keep_local_case
        return Place("email", subjects.normal_email(address, keep_case=keep_case))

    def standing(self, event: AnyEvent, place: Place) -> Standing:
        return self.standings.of(event.account, place)

    def person(self, event: AnyEvent, place: Place) -> people.Person | None:
        return people.at(self.connection, event.account, *place)

    def announce(self, cause: AnyEvent, place: Place, consequences: Iterable[Consequence]) -> None:
        for data in consequences:
            event = codec.follow(
                cause,
                data,
                *parts(NAME, data),
                now=self.now,
                subject=self.subject(cause, place),
                at=happened(cause),
            )
            self.standings.apply(event.account, place, data, event.at)
            self.out.append(event)

    def subject(self, cause: AnyEvent, place: Place) -> str:
        if cause.subject.startswith("person:"):
            return cause.subject
        person = self.person(cause, place)
        if person is not None:
            return subjects.person(person.id)
        return subjects.reached(*place)


def _decide(
    directory: Directory,
    askable: frozenset[Channel],
    connection: Connection,
    events: Sequence[AnyEvent],
    now: int,
) -> Sequence[AnyEvent]:
    batch = _Batch(connection, Standings(connection), SoftBounces(connection), directory, askable, now)
    batch.standings.expect(
        (event.account, batch.place(event, "email", address))
        for event in events
        if (address := _address(event.data))
    )
    for event in events:
        if isinstance(event.data, _ARRIVALS):
            batch.arrivals.append(event)
        else:
            _settle_arrivals(batch)
            _follow(batch, event)
    _settle_arrivals(batch)
    batch.standings.write()
    batch.soft_bounces.write()
    return batch.out


def _address(data: Data) -> str | None:
    """The e-mail address that an event is sure to ask about."""
    match data:
        case PersonCreated():
            return data.person.email
        case SubscriptionRequested():
            return data.email
    return None


def _follow(batch: _Batch, event: AnyEvent) -> None:
    match event.data:
        case UnsubscriptionRequested() as wish:
            _unsubscribe(batch, event, wish)
        case SubscriptionRequested() as wish:
            _subscribe(batch, event, wish)
        case SubscriptionConfirmed() as wish:
            _confirm(batch, event, wish)
        case PersonCreated() as said:
            _told_by_shop(batch, event, said)
        case MessageBounced() as bounce:
            _bounced(batch, event, bounce)
        case MessageComplained() as complaint:
            place = batch.place(event, complaint.channel, complaint.address)
            trace = Trace(complaint.message, "complaint", "Marked as spam by the recipient", complaint.ip)
            batch.announce(event, place, rules.complained(place, batch.standing(event, place), trace))
        case SmsReceived(type="STOP" | "START" | "HELP") as text:
            _texted(batch, event, text)
            texts.answer(batch.out, event, text, batch.policy(event), batch.now)
        case ConsentGranted() | ConsentWithdrawn() | SuppressionAdded() | SuppressionRemoved() as told:
            if not is_ours(event, NAME, told):
                _heard(batch, event, told)
        case _:
            pass


def _bounced(batch: _Batch, event: AnyEvent, bounce: MessageBounced) -> None:
    """A hard one suppresses at once, a soft one after some; what is about us or our content does neither."""
    place = batch.place(event, bounce.channel, bounce.address)
    if bounce.bounce_class == "hard":
        batch.announce(event, place, rules.bounced_hard(place, batch.standing(event, place), bounce.details))
    elif bounce.bounce_class in COUNTED:
        policy = batch.policy(event)
        times = batch.soft_bounces.bounced(event.account, place, bounce.message, happened(event), policy)
        standing = batch.standing(event, place)
        batch.announce(event, place, rules.bounced_softly(place, standing, times, policy.soft_bounces))


def _settle_arrivals(batch: _Batch) -> None:
    """Where something arrived, the count of soft bounces begins again."""
    if not batch.arrivals:
        return
    named = (event.data.message for event in batch.arrivals if isinstance(event.data, _ARRIVALS))
    reached = batch.soft_bounces.reached(message for message in named if message)
    for event in batch.arrivals:
        place = reached.get(getattr(event.data, "message", None) or "")
        if place is not None:
            batch.soft_bounces.arrived(event.account, batch.place(event, *place))
    batch.arrivals.clear()


def _heard(batch: _Batch, event: AnyEvent, told: Consequence) -> None:
    """What somebody else announced: an operator, an import."""
    place = batch.place(event, told.channel, told.address)
    batch.standings.apply(event.account, place, told, happened(event))
    if isinstance(told, SuppressionRemoved) and told.type == "soft_bounce":
        batch.soft_bounces.arrived(event.account, place)


def _unsubscribe(batch: _Batch, event: AnyEvent, wish: UnsubscriptionRequested) -> None:
    place = _meant(batch, event, wish.channel, wish.address, wish.message)
    if place is None:
        return
    if wish.only_topic and (topic := _topic(batch, event, wish.message)):
        batch.out.append(_left(batch, event, place, wish, topic))
        return
    trace = Trace(wish.message, wish.how, wish.reason, wish.ip, wish.user_agent, wish.web_copy)
    optins.close(batch.connection, event.account, place)
    batch.announce(event, place, rules.unsubscribed(place, batch.standing(event, place), trace))


def _topic(batch: _Batch, event: AnyEvent, message: str | None) -> str | None:
    """The topic that a message was about. Where that is forgotten, who leaves it leaves everything: rather too much
    than too little."""
    sent = messages.find(batch.connection, event.account, message) if message else None
    return sent.topic if sent else None


def _left(
    batch: _Batch, event: AnyEvent, place: Place, wish: UnsubscriptionRequested, topic: str
) -> AnyEvent:
    choice = SubscriptionTopicChosen(
        channel=place.channel,
        address=place.address,
        topic=topic,
        wanted=False,
        message=wish.message,
        how=wish.how,
        ip=wish.ip,
        user_agent=wish.user_agent,
    )
    subject = batch.subject(event, place)
    return codec.follow(
        event, choice, NAME, *place, topic, now=batch.now, subject=subject, at=happened(event)
    )


def _subscribe(batch: _Batch, event: AnyEvent, wish: SubscriptionRequested) -> None:
    proof = Proof(
        requested_at=happened(event),
        confirmed_at=wish.confirmed_at,
        signup_ip=wish.ip,
        optin_ip=wish.optin_ip or "",
        source=wish.source,
    )
    for place in _wished(batch, event, wish):
        standing = batch.standing(event, place)
        if not _confirms(batch, event, wish, place):
            optins.close(batch.connection, event.account, place)
            batch.announce(event, place, rules.subscribed(place, standing, proof))
        elif rules.needs_confirmation(standing, proof):
            batch.announce(event, place, rules.awaiting(place, standing, wish.ip))
            if optins.ask(batch.connection, event.account, place, proof, event.recorded):
                _ask(batch, event, place)


def _confirms(batch: _Batch, event: AnyEvent, wish: SubscriptionRequested, place: Place) -> bool:
    """Whether a subscription must be confirmed. A page without a key may ask for that and never spare it; and where
    a no stands it is always asked: anybody can type an address (RM-2)."""
    usual = batch.policy(event).double_optin
    if not wish.keyless:
        return usual if wish.double_optin is None else wish.double_optin
    return usual or bool(wish.double_optin) or _no_stands(batch, event, place)


def _no_stands(batch: _Batch, event: AnyEvent, place: Place) -> bool:
    """Whether a page's yes would overrule a no: one that was announced, or one that orders and carts said."""
    if rules.refuses(batch.standing(event, place)):
        return True
    return consent.standing(batch.connection, event.account, *place).opt_in is False


def _wished(batch: _Batch, event: AnyEvent, wish: SubscriptionRequested) -> Iterable[Place]:
    email = wish.email
    if not email and not wish.phone and wish.customer_id:
        person = people.find(batch.connection, event.account, customer_id=wish.customer_id)
        email = person.email if person else None
    if email:
        yield batch.place(event, "email", email)
    if wish.phone:
        yield batch.place(event, "sms", wish.phone)


def _ask(batch: _Batch, event: AnyEvent, place: Place) -> None:
    if place.channel not in batch.askable:
        return
    person = batch.person(event, place)
    said = codec.properties(event)
    request = MessageRequested(
        channel=place.channel,
        address=place.address,
        template=CONFIRM_SUBSCRIPTION,
        person=person.id if person else None,
        transactional=True,
        context={"event": {name: value for name, value in said.items() if name not in _OURS}},
    )
    batch.out.append(
        codec.follow(event, request, NAME, *place, now=batch.now, subject=batch.subject(event, place))
    )


def _confirm(batch: _Batch, event: AnyEvent, wish: SubscriptionConfirmed) -> None:
    place = _meant(batch, event, wish.channel, wish.address, wish.message)
    if place is None:
        return
    waiting = optins.close(batch.connection, event.account, place)
    proof = waiting or Proof(requested_at=happened(event))
    proof = proof._replace(confirmed_at=happened(event), optin_ip=wish.ip)
    batch.announce(event, place, rules.subscribed(place, batch.standing(event, place), proof))


def _told_by_shop(batch: _Batch, event: AnyEvent, said: PersonCreated) -> None:
    customer = said.person
    by_mail, by_text = flag(customer.accepts_marketing), flag(customer.accepts_sms_marketing)
    proof = Proof(requested_at=happened(event), source=said.said.platform if said.said else "")
    answers: list[tuple[Channel, bool | None, str | None]] = [
        ("email", by_mail, _address_of(batch, event, customer) if by_mail is not None else None),
        ("sms", by_text, customer.sms_phone_number_e164),
    ]
    for channel, accepts, address in answers:
        if accepts is not None and address:
            place = batch.place(event, channel, address)
            if said.keyless and accepts and _no_stands(batch, event, place):
                continue
            batch.announce(
                event, place, rules.told_by_shop(place, batch.standing(event, place), accepts, proof)
            )


def _address_of(batch: _Batch, event: AnyEvent, customer: Customer) -> str | None:
    if customer.email:
        return customer.email
    number = text_id(customer.id)
    person = people.find(batch.connection, event.account, customer_id=number) if number else None
    return person.email if person else None


def _texted(batch: _Batch, event: AnyEvent, text: SmsReceived) -> None:
    place = batch.place(event, "sms", text.sender)
    standing = batch.standing(event, place)
    if text.type == "HELP":
        return
    if text.type == "STOP":
        trace = Trace(how="reply", reason="Unsubscribed by reply")
        batch.announce(event, place, rules.unsubscribed(place, standing, trace))
        return
    proof = Proof(requested_at=happened(event), confirmed_at=happened(event), source="reply")
    batch.announce(event, place, rules.subscribed(place, standing, proof))


def _meant(
    batch: _Batch, event: AnyEvent, channel: Channel, address: str, message: str | None
) -> Place | None:
    """Which place a wish is about: the one it names, else the one its message went to, else its person's."""
    if address:
        return batch.place(event, channel, address)
    if message is not None:
        sent = messages.find(batch.connection, event.account, message)
        if sent is not None:
            return batch.place(event, sent.channel, sent.address)
    scheme, _, value = event.subject.partition(":")
    person = None
    if scheme == "person":
        person = people.find(batch.connection, event.account, person=value)
    elif scheme == "customer":
        person = people.find(batch.connection, event.account, customer_id=value)
    reached = (person.email if channel == "email" else person.phone) if person else None
    return batch.place(event, channel, reached) if reached else None
