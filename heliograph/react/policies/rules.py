"""The rules of permission, as pure functions: where an address stands and what is said -> what follows.

Only what changes something is announced, so a repeated wish is silent. Sources: S3 (suppression types,
newsletter/subscribe and /unsubscribe), RM-11, RM-12, MG-8. Hard bounces, soft ones in a row and complaints suppress;
only the person lifts `unsubscribed`; nothing here ever lifts `hard_bounce`, `spam_complaint` or `manually_suppressed`.

Events may come late (`x-event-time`, RM-7). A yes that is older than what stands is overtaken and says nothing;
a no is heard whenever it comes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from heliograph.events.consent import (
    IMPORT,
    Channel,
    ConsentGranted,
    ConsentWithdrawn,
    SuppressionAdded,
    SuppressionRemoved,
    SuppressionType,
)

Consequence = ConsentGranted | ConsentWithdrawn | SuppressionAdded | SuppressionRemoved

LIFTED_BY_SUBSCRIBING: tuple[SuppressionType, ...] = ("unsubscribed", "pending_opt_in")
"""What a person's own subscription lifts (RM-11)."""

BARS_A_SHOPS_YES: frozenset[str] = frozenset({"unsubscribed", "pending_opt_in", "spam_complaint", "deleted"})
"""While one of these stands, a shop's `accepts_marketing: true` is not the person's yes (RM-11)."""

TOLERANCE = 2_000_000
"""Microseconds by which a yes may be older than what stands: senders give their time in whole seconds (RM-7)."""


class Place(NamedTuple):
    """What can be written to: an address or number on its channel, in normal form."""

    channel: Channel
    address: str


class Standing(NamedTuple):
    """Where a place stands: its suppressions and since when, the last announced yes or no (None: never said) and
    when it was said. Instants in microseconds."""

    suppressions: Mapping[str, int] = {}
    opt_in: bool | None = None
    said_at: int = 0


class Trace(NamedTuple):
    """How a wish came: what consent records must be able to prove (STD-7)."""

    message: str | None = None
    how: str = "api"
    reason: str = ""
    ip: str = ""
    user_agent: str = ""
    web_copy: bool = False


class Proof(NamedTuple):
    """When and from where a yes was said, and confirmed; instants in microseconds."""

    requested_at: int
    confirmed_at: int | None = None
    signup_ip: str = ""
    optin_ip: str = ""
    source: str = ""


def unsubscribed(place: Place, standing: Standing, trace: Trace) -> tuple[Consequence, ...]:
    """A person wants no more: withdrawn and suppressed, unless both are known already."""
    if "unsubscribed" in standing.suppressions:
        return () if standing.opt_in is False else (_withdrawn(place, trace),)
    return (
        _withdrawn(place, trace),
        _added(place, "unsubscribed", trace.reason or "Recipient unsubscribed", trace.ip),
    )


def subscribed(place: Place, standing: Standing, proof: Proof) -> tuple[Consequence, ...]:
    """A person's own yes, confirmed where confirmation was needed."""
    lifted = [kind for kind in LIFTED_BY_SUBSCRIBING if kind in standing.suppressions]
    if _overtaken(standing, proof) or (standing.opt_in and not lifted):
        return ()
    ip = proof.optin_ip or proof.signup_ip
    return (_granted(place, proof), *(_removed(place, kind, ip) for kind in lifted))


def needs_confirmation(standing: Standing, proof: Proof) -> bool:
    """Whether a double opt-in has to be asked for: not if the person's yes stands already."""
    stands = standing.opt_in and standing.suppressions.keys().isdisjoint(LIFTED_BY_SUBSCRIBING)
    return not stands and not _overtaken(standing, proof)


def awaiting(place: Place, standing: Standing, ip: str) -> tuple[Consequence, ...]:
    """A yes that must be confirmed first. `unsubscribed` stays until then: anybody can type an address."""
    return _once(place, standing, "pending_opt_in", "Waiting for the confirmation of the subscription", ip)


def refuses(standing: Standing) -> bool:
    """Whether a no stands, which nobody but its owner turns into a yes (RM-2, RM-11)."""
    return standing.opt_in is False or not standing.suppressions.keys().isdisjoint(BARS_A_SHOPS_YES)


def told_by_shop(place: Place, standing: Standing, accepts: bool, proof: Proof) -> tuple[Consequence, ...]:
    """`accepts_marketing` of a customer record: a change is a change of preference; a yes lifts nothing."""
    if standing.opt_in is accepts or proof.requested_at + TOLERANCE < standing.said_at:
        return ()
    if not accepts:
        how = IMPORT if proof.source == IMPORT else "api"
        return (_withdrawn(place, Trace(how=how, reason="accepts_marketing: no")),)
    barred = not standing.suppressions.keys().isdisjoint(BARS_A_SHOPS_YES)
    return () if barred else (_granted(place, proof),)


def bounced_hard(place: Place, standing: Standing, reason: str) -> tuple[Consequence, ...]:
    """The address does not exist (MG-8)."""
    return _once(place, standing, "hard_bounce", reason)


def bounced_softly(place: Place, standing: Standing, times: int, limit: int) -> tuple[Consequence, ...]:
    """So many messages in a row bounced softly; 0 as the limit: that never matters."""
    if not limit or times < limit:
        return ()
    return _once(place, standing, "soft_bounce", f"{times} messages bounced softly, and none arrived between")


def complained(place: Place, standing: Standing, trace: Trace) -> tuple[Consequence, ...]:
    """Marked as spam: suppressed, and a no."""
    suppressed = _once(place, standing, "spam_complaint", trace.reason, trace.ip)
    return suppressed if standing.opt_in is False else (_withdrawn(place, trace), *suppressed)


def applied(standing: Standing, consequence: Consequence, at: int) -> Standing:
    """Where a place stands after a consequence."""
    match consequence:
        case ConsentGranted():
            return standing._replace(opt_in=True, said_at=at)
        case ConsentWithdrawn():
            return standing._replace(opt_in=False, said_at=at)
        case SuppressionAdded(type=kind):
            return standing._replace(suppressions={**standing.suppressions, kind: at})
        case SuppressionRemoved(type=kind):
            return standing._replace(
                suppressions={other: since for other, since in standing.suppressions.items() if other != kind}
            )


def _overtaken(standing: Standing, proof: Proof) -> bool:
    newer = [standing.suppressions[kind] for kind in LIFTED_BY_SUBSCRIBING if kind in standing.suppressions]
    if standing.opt_in is False:
        newer.append(standing.said_at)
    said = proof.requested_at if proof.confirmed_at is None else proof.confirmed_at
    return any(said + TOLERANCE < at for at in newer)


def _once(
    place: Place, standing: Standing, kind: SuppressionType, reason: str, ip: str = ""
) -> tuple[Consequence, ...]:
    return () if kind in standing.suppressions else (_added(place, kind, reason, ip),)


def _granted(place: Place, proof: Proof) -> ConsentGranted:
    return ConsentGranted(channel=place.channel, address=place.address, **proof._asdict())


def _withdrawn(place: Place, trace: Trace) -> ConsentWithdrawn:
    return ConsentWithdrawn(channel=place.channel, address=place.address, **trace._asdict())


def _added(place: Place, kind: SuppressionType, reason: str, ip: str) -> SuppressionAdded:
    return SuppressionAdded(channel=place.channel, address=place.address, type=kind, reason=reason, ip=ip)


def _removed(place: Place, kind: SuppressionType, ip: str) -> SuppressionRemoved:
    return SuppressionRemoved(
        channel=place.channel, address=place.address, type=kind, reason="Customer re-subscribed", ip=ip
    )
