"""What became of a message, as the events about it tell."""

from __future__ import annotations

import pytest
from state_world import ACCOUNT, OTHER, World, dump, fold

from heliograph.clock import SECOND
from heliograph.events.consent import ConsentWithdrawn, UnsubscriptionRequested
from heliograph.events.engagement import LinkClicked, MessageOpened, MessageRead
from heliograph.events.event import AnyEvent, Data
from heliograph.events.messages import (
    Campaign,
    MessageAttempted,
    MessageBounced,
    MessageCancelled,
    MessageComplained,
    MessageDeferred,
    MessageDelivered,
    MessageInDoubt,
    MessageRenderFailed,
    MessageRequested,
    MessageSent,
    MessageSuppressed,
    RenderError,
)
from heliograph.react.state import messages
from heliograph.react.state.messages import MESSAGES, Message

ANN = "ann@x.example"


@pytest.fixture
def wish(world: World) -> AnyEvent:
    return world.happen(
        MessageRequested(
            address=ANN,
            template="cart",
            template_version=2,
            person="p",
            campaign=Campaign(id=3, name="Abandoned cart", group="Carts"),
            automation="cart",
            run="r",
            correlation_id="c",
            context={"event": {"id": 1}},
        ),
        subject="person:p",
    )


def the_message(world: World, wish: AnyEvent) -> Message:
    found = messages.find(world.connection, ACCOUNT, wish.id)
    assert found is not None
    return found


def attempted(m: str) -> Data:
    return MessageAttempted(message=m, address=ANN, attempt=1, via="smtp")


def sent(m: str) -> Data:
    return MessageSent(message=m, address=ANN, via="smtp", response="250 ok", subject="Your cart", size=512)


def delivered(m: str) -> Data:
    return MessageDelivered(message=m, address=ANN)


def deferred(m: str) -> Data:
    return MessageDeferred(message=m, address=ANN, attempt=2, response="451 busy", retry_at=99)


def bounced(m: str) -> Data:
    return MessageBounced(
        message=m,
        address=ANN,
        category="Invalid Recipient",
        code=10,
        bounce_class="hard",
        details="550 5.1.1",
    )


def cancelled(m: str) -> Data:
    return MessageCancelled(message=m, reason="the cart was closed")


def suppressed(m: str) -> Data:
    return MessageSuppressed(message=m, address=ANN, code=131, category="Unsubscribed", reason="unsubscribed")


def broken(m: str) -> Data:
    return MessageRenderFailed(
        message=m, address=ANN, errors=(RenderError(code="x", message="no such filter"),)
    )


def doubtful(m: str) -> Data:
    return MessageInDoubt(message=m, address=ANN, reason="the connection was lost after DATA")


def test_a_message_is_known_from_the_wish_on(world: World, wish: AnyEvent) -> None:
    found = the_message(world, wish)
    assert found == Message(
        id=wish.id,
        account=ACCOUNT,
        channel="email",
        address=ANN,
        person="p",
        template="cart",
        template_version=2,
        campaign=Campaign(id=3, name="Abandoned cart", group="Carts"),
        automation="cart",
        run="r",
        correlation_id="c",
        requested_at=wish.at,
    )


def test_another_account_does_not_see_it(world: World, wish: AnyEvent) -> None:
    assert messages.find(world.connection, OTHER, wish.id) is None
    world.happen(sent(wish.id), account=OTHER)
    world.happen(MessageOpened(message=wish.id), account=OTHER)
    assert (the_message(world, wish).state, the_message(world, wish).opens) == ("requested", 0)


@pytest.mark.parametrize(
    ("story", "state"),
    [
        ((attempted,), "attempted"),
        ((attempted, sent), "sent"),
        ((attempted, deferred), "deferred"),
        ((attempted, deferred, attempted, sent), "sent"),
        ((attempted, sent, delivered), "delivered"),
        ((attempted, delivered, sent), "delivered"),
        ((attempted, bounced), "bounced"),
        ((attempted, sent, delivered, bounced), "bounced"),
        ((attempted, sent, bounced, delivered), "bounced"),
        ((attempted, doubtful), "in_doubt"),
        ((attempted, doubtful, attempted, sent), "sent"),
        ((cancelled,), "cancelled"),
        ((suppressed,), "suppressed"),
        ((attempted, deferred, suppressed), "suppressed"),
        ((broken,), "render_failed"),
    ],
)
def test_the_state_follows_from_what_happened(world: World, wish: AnyEvent, story: tuple, state: str) -> None:  # type: ignore[type-arg] - functions of an id
    for event in story:
        world.happen(event(wish.id))
    assert the_message(world, wish).state == state


def test_each_event_leaves_its_instant_and_what_it_told(world: World, wish: AnyEvent) -> None:
    at = [world.happen(event(wish.id)).at for event in (attempted, deferred, sent, delivered, bounced)]
    found = the_message(world, wish)
    assert [
        found.attempted_at,
        found.deferred_at,
        found.sent_at,
        found.delivered_at,
        found.bounced_at,
    ] == at
    assert (found.attempts, found.retry_at, found.via, found.response) == (2, 99, "smtp", "250 ok")
    assert (found.subject, found.size) == ("Your cart", 512)
    assert (found.bounce_code, found.bounce_class, found.bounce_category, found.bounce_details) == (
        10,
        "hard",
        "Invalid Recipient",
        "550 5.1.1",
    )


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (cancelled, "the cart was closed"),
        (suppressed, "unsubscribed"),
        (broken, "BODY: no such filter"),
        (doubtful, "the connection was lost after DATA"),
    ],
)
def test_why_it_did_not_go_is_kept(world: World, wish: AnyEvent, event, reason: str) -> None:  # type: ignore[no-untyped-def] - functions of an id
    world.happen(event(wish.id))
    assert the_message(world, wish).reason == reason


def test_opens_and_clicks_are_counted_once_each(world: World, wish: AnyEvent) -> None:
    """LIT-13: every pixel load is an open; the first instants stay."""
    first = world.happen(MessageOpened(message=wish.id))
    world.happen(MessageOpened(message=wish.id))
    click = world.happen(LinkClicked(message=wish.id, url="https://x.example"))
    fold(world.connection, [first, click, first])
    found = the_message(world, wish)
    assert (found.opens, found.clicks) == (2, 1)
    assert (found.opened_at, found.clicked_at) == (first.at, click.at)


def test_the_longest_of_its_opens_is_how_long_a_message_was_read(world: World, wish: AnyEvent) -> None:
    """LIT-7"""
    open_ = world.happen(MessageOpened(message=wish.id))
    assert the_message(world, wish).read_seconds is None
    for told, longest in ((-1, -1), (6, 6), (2, 6), (20, 20)):
        read = world.happen(MessageRead(open=open_.id, message=wish.id, seconds=told, category="Skimmed"))
        fold(world.connection, [read])
        assert the_message(world, wish).read_seconds == longest
    assert the_message(world, wish).opened_at == open_.at


def test_a_complaint_and_an_unsubscription_are_known_by_their_message(world: World, wish: AnyEvent) -> None:
    complaint = world.happen(MessageComplained(message=wish.id, address=ANN))
    wished = world.happen(UnsubscriptionRequested(message=wish.id))
    world.happen(ConsentWithdrawn(message=wish.id, address=ANN))
    found = the_message(world, wish)
    assert (found.complained_at, found.unsubscribed_at) == (complaint.at, wished.at)
    assert found.state == "requested"


def test_the_first_of_a_kind_counts(world: World, wish: AnyEvent) -> None:
    first = world.happen(sent(wish.id))
    world.happen(sent(wish.id))
    world.happen(sent(wish.id), at=world.now - 99 * SECOND)
    assert the_message(world, wish).sent_at == first.at


def test_attempts_do_not_go_back(world: World, wish: AnyEvent) -> None:
    world.happen(deferred(wish.id))
    world.happen(attempted(wish.id))
    assert the_message(world, wish).attempts == 2


def test_what_is_told_of_no_known_message_is_passed_over(world: World) -> None:
    for event in (sent, bounced):
        world.happen(event("00000000-0000-7000-8000-000000000000"))
    world.happen(MessageComplained(address=ANN))
    world.happen(MessageOpened(campaign="89r4i3l4"))
    world.happen(UnsubscriptionRequested(address=ANN))
    assert not any(dump(world.connection, messages.FOLD.tables).values())


def test_a_text_keeps_what_was_texted(world: World) -> None:
    """S3 sms/sent."""
    wish = world.happen(
        MessageRequested(channel="sms", address="+15417540000", template="welcome", is_test=True)
    )
    world.happen(
        MessageSent(
            message=wish.id,
            channel="sms",
            address="+15417540000",
            sender="+15417541111",
            body="Hi",
            characters=92,
            country="US",
        )
    )
    found = the_message(world, wish)
    assert (found.channel, found.sender, found.body, found.characters, found.country, found.is_test) == (
        "sms",
        "+15417541111",
        "Hi",
        92,
        "US",
        True,
    )
    assert found.campaign is None


def test_every_column_can_be_asked_for() -> None:
    columns = {column.name for column in MESSAGES.columns}
    assert columns - {"campaign_id", "campaign_name", "campaign_group"} == set(Message.__struct_fields__) - {
        "campaign",
        "opens",
        "clicks",
    }
