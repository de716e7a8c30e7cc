"""What is known at the moment of sending, as the folds remember it."""

from __future__ import annotations

from collections.abc import Sequence

from mail_world import ACCOUNT, MESSAGE, PERSON

from heliograph.clock import ManualClock
from heliograph.database import Reading, memory_state
from heliograph.events import codec
from heliograph.events.commerce import Product, ProductCreated, ProductDeleted, ProductViewed
from heliograph.events.consent import ConsentGranted, SuppressionAdded
from heliograph.events.definitions import TemplateSaved
from heliograph.events.event import AnyEvent, Data, Event
from heliograph.events.messages import MessageRequested, MessageSent
from heliograph.events.people import Customer, PersonCreated
from heliograph.outbound.messages.facts.look import look_into
from heliograph.outbound.messages.facts.objects import mentioned
from heliograph.react.state.folds import FOLDS

NOW = 1_706_702_400_000_000


def event(
    data: Data, *, number: int, subject: str = "email:joe@x.example", id: str | None = None
) -> AnyEvent:
    return codec.make(data, account=ACCOUNT, subject=subject, now=NOW + number, id=id)


def _read(events: Sequence[AnyEvent]) -> Reading:
    engine = memory_state()
    with engine.begin() as connection:
        for one in FOLDS:
            one.apply(connection, [e for e in events if e.kind in one.kinds])
    return Reading(engine)


def wanted(**fields: object) -> Event[MessageRequested]:
    data = MessageRequested(address="joe@x.example", template="cart", **fields)  # type: ignore[arg-type] - a test's keywords
    return codec.make(data, account=ACCOUNT, subject=f"person:{PERSON}", now=NOW + 9, id=MESSAGE)


HISTORY = (
    event(PersonCreated(person=Customer(id="42", email="joe@x.example", first_name="Joe")), number=1),
    event(TemplateSaved(name="cart", parts={"subject": "one"}), number=2, subject="account:x"),
    event(TemplateSaved(name="cart", parts={"subject": "two"}), number=3, subject="account:x"),
    event(ConsentGranted(address="joe@x.example", requested_at=NOW), number=4),
    event(SuppressionAdded(address="joe@x.example", type="soft_bounce"), number=5),
)


def test_everything_is_known_of_a_known_person() -> None:
    request = wanted()
    look = look_into(_read([*HISTORY, request]), ManualClock())
    status, facts = look.status(request), look.facts(request)
    assert (status.state, status.version) == ("requested", 2)
    assert status.standing.suppressions == {"soft_bounce"} and status.standing.opt_in is True
    assert facts.person is not None and (facts.person.first_name, facts.person.customer_id) == ("Joe", "42")
    assert facts.template is not None and (facts.template.version, facts.template.parts["subject"]) == (
        2,
        "two",
    )


def test_a_version_that_was_asked_for_is_the_one_that_is_used() -> None:
    request = wanted(template_version=1)
    look = look_into(_read([*HISTORY, request]), ManualClock())
    facts = look.facts(request)
    assert facts.template is not None and facts.template.parts["subject"] == "one"
    assert look.status(request).version == 1


def test_a_mail_is_made_in_the_version_that_was_judged() -> None:
    request = wanted()
    facts = look_into(_read([*HISTORY, request]), ManualClock()).facts(request, 1)
    assert facts.template is not None and facts.template.parts["subject"] == "one"


def test_what_was_sent_is_known_as_sent() -> None:
    request = wanted()
    sent = codec.follow(request, MessageSent(message=MESSAGE, address="joe@x.example"), now=NOW + 10)
    assert look_into(_read([*HISTORY, request, sent]), ManualClock()).status(request).state == "sent"


SHOWS = "{% for one in recently_viewed %}{{ one.title }}{% endfor %}"


def test_what_somebody_looked_at_is_known_to_templates_that_show_it() -> None:
    """S3:L161: for "Browse Abandonment"; the latest first, in the catalogue's words, and nothing that is not sold."""
    joe = "email:joe@x.example"
    request = wanted()
    history = [
        *HISTORY,
        event(
            ProductCreated(product=Product(id="1", title="Shirt", image={"src": "https://x.example/1"})),
            number=4,
        ),
        event(ProductDeleted(product=Product(id=2)), number=5),
        *(event(ProductViewed(product_id=one), number=6 + n, subject=joe) for n, one in enumerate("1231")),
        event(ProductViewed(product_id="9"), number=6, subject="email:other@x.example"),
        event(
            TemplateSaved(name="cart", parts={"subject": "x", "html": SHOWS}), number=8, subject="account:x"
        ),
        request,
    ]
    shirt, unknown = look_into(_read(history), ManualClock()).facts(request).objects["recently_viewed"]
    assert (shirt["title"], shirt["image"], shirt["views"]) == ("Shirt", "https://x.example/1", 2)
    assert (unknown["id"], unknown["title"]) == ("3", None)
    before = look_into(_read([*HISTORY, *history[-8:-2], request]), ManualClock()).facts(request)
    assert before.objects["recently_viewed"] == (), "nobody asks for it"


def test_only_what_a_templates_code_names_is_looked_up() -> None:
    said = {
        "subject": "Your cart waits, {{ person.first_name }}",
        "html": "<p>Your order: {{- order.id }}</p>{% assign all = products %}",
    }
    assert mentioned(said) == {"order", "products"}
    assert mentioned({"text": "{%- for one in cart.line_items -%}{{ one }}{% endfor %}"}) == {"cart"}


def test_nothing_is_known_of_nobody() -> None:
    request = wanted()
    look = look_into(_read([]), ManualClock())
    status, facts = look.status(request), look.facts(request)
    assert (status.state, status.version, facts.person, facts.template) == (None, None, None, None)
    assert status.standing.suppressions == frozenset() and status.standing.opt_in is None
