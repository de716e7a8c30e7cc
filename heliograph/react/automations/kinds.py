"""Which kinds of events automations listen to, and where they name their object.

Left out is what is about nobody (definitions, jobs, the catalogue), the traces that automations write
themselves, and judgements of other events: these name no message, so a chain of causes through them could not
be bounded (see `chains`). A judgement decides instead whether the event that it is of counts (`JUDGED`).
"""

from __future__ import annotations

from heliograph.events import commerce, consent, custom, engagement, messages, people
from heliograph.events.vocabulary import KINDS

_ABOUT_PEOPLE = frozenset(
    module.__name__ for module in (people, consent, commerce, custom, messages, engagement)
)
_LEFT_OUT = frozenset(
    {
        people.PersonErased.kind,
        commerce.ProductCreated.kind,
        commerce.ProductUpdated.kind,
        commerce.ProductDeleted.kind,
        engagement.ReaderJudged.kind,
    }
)

TRIGGERS: frozenset[str] = (
    frozenset(kind.kind for kind in KINDS if kind.__module__ in _ABOUT_PEOPLE) - _LEFT_OUT
)
"""Kinds that may begin a run."""

HEARD: frozenset[str] = TRIGGERS | {commerce.ProductUpdated.kind, commerce.ProductDeleted.kind}
"""Kinds that a run may wait for, or end by: also what is about nobody but names what the run is about."""

JUDGED: frozenset[str] = frozenset(
    kind.kind
    for kind in (
        engagement.MessageOpened,
        engagement.LinkClicked,
        engagement.VoteCast,
        engagement.ImageShown,
    )
)
"""Kinds that machines bring about as well as people: they wait for `reader.judged` unless `readers` is `any`."""

OBJECT_PATHS: dict[str, str] = {
    kind.kind: "product_id" if kind is commerce.ProductViewed else "id"
    for kind in (
        commerce.CartCreated,
        commerce.CartUpdated,
        commerce.CartDeleted,
        commerce.OrderCreated,
        commerce.OrderUpdated,
        commerce.OrderDeleted,
        commerce.ProductViewed,
    )
}
"""Where a kind's properties name what they are about."""


def family(kind: str) -> str:
    """`cart` of `cart.updated`."""
    return kind.partition(".")[0]


def cancel_path(trigger: str, cancel: str) -> str | None:
    """Where an event names the object of runs that another kind began: an order names its cart."""
    if family(trigger) == "cart" and family(cancel) == "order":
        return "cart_id"
    if trigger == commerce.ProductViewed.kind and family(cancel) == "product":
        return OBJECT_PATHS.get(cancel, "id")
    return OBJECT_PATHS.get(cancel) if family(trigger) == family(cancel) else None
