"""What every fold must keep: the same events give the same state, however they are cut into batches.

The events are random words about few people, carts, orders, products, messages and definitions, with clocks that
disagree, so that every order of rename, order, deletion and late word comes up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from state_world import ACCOUNT, NOW, OTHER, dump, recorded

from heliograph.clock import SECOND
from heliograph.database import memory_state
from heliograph.events import (
    commerce,
    consent,
    custom,
    definitions,
    engagement,
    jobs,
    messages,
    people,
    preferences,
    topics,
)
from heliograph.events.event import AnyEvent, Data
from heliograph.events.vocabulary import BY_NAME
from heliograph.journal.consumer import Fold
from heliograph.react.state.folds import FOLDS

ENGINE = memory_state()

maybe = st.one_of
numbers = maybe(st.none(), st.sampled_from([1, "1", 2, "03"]))
addresses = maybe(st.none(), st.sampled_from(["a@x.example", "A@x.example", "b@x.example", "c@x.example"]))
phones = maybe(st.none(), st.sampled_from(["+12025550137", "+12025550138"]))
flags = st.sampled_from([None, True, False])
tags = maybe(st.none(), st.lists(st.sampled_from("xyz"), max_size=2))
names = maybe(st.none(), st.sampled_from(["Ann", "Ben"]))
dates = maybe(st.none(), st.integers(-20, 20).map(lambda n: NOW // SECOND + n))
readers = st.sampled_from(["human", "scanner", "unknown"])
ids = st.integers(0, 5)
"""Which earlier event of the story a person or message id is taken from."""

customers = st.builds(
    people.Customer,
    id=numbers,
    email=addresses,
    first_name=names,
    last_name=names,
    accepts_marketing=flags,
    append_tags=flags,
    tags=tags,
    sms_phone_number_e164=phones,
)
baskets: dict[str, Any] = {
    "id": numbers,
    "email": addresses,
    "customer": maybe(st.none(), customers),
    "cart_token": numbers,
    "created_at": dates,
    "updated_at": dates,
    "total_price": st.sampled_from([None, 5, "7.5"]),
    "accepts_marketing": flags,
}
lines = st.builds(commerce.LineItem, product_id=numbers, name=names, sku=numbers)
orders = st.builds(
    commerce.Order,
    **baskets,
    line_items=maybe(st.none(), st.lists(lines, max_size=2)),
    cart_id=numbers,
    status=st.sampled_from([None, "paid", {"code": "S"}]),
)
carts = st.builds(commerce.Cart, **baskets)
products = st.builds(
    commerce.Product, id=numbers, title=names, product_exists=flags, updated_at=dates, tags=tags, sku=numbers
)
a_message = {"message": ids.map(str), "address": st.just("a@x.example")}
channels = {"channel": st.sampled_from(["email", "sms"]), "address": addresses.map(lambda one: one or "")}
a_subscription: dict[str, Any] = {"topic": st.sampled_from("ab"), "subscription": st.sampled_from("12")}
suppressions = {**channels, "type": st.sampled_from(["unsubscribed", "hard_bounce"])}


def of(kinds: Sequence[type[Data]], **fields: Any) -> list[st.SearchStrategy[Data]]:
    return [st.builds(kind, **fields) for kind in kinds]


STORIES: dict[str, list[st.SearchStrategy[Data]]] = {
    "people": [
        *of(
            [people.PersonCreated, people.PersonUpdated, people.PersonDeleted],
            person=customers,
            keyless=st.booleans(),
        ),
        *of([commerce.OrderCreated, commerce.OrderUpdated], order=orders),
        *of([commerce.CartCreated, commerce.CartUpdated], cart=carts, keyless=st.booleans()),
        *of(
            [consent.SubscriptionRequested],
            email=addresses,
            phone=phones,
            customer_id=st.sampled_from([None, "1"]),
            keyless=st.booleans(),
        ),
        *of([custom.Custom], name=st.just("x"), email=addresses, customer_id=st.sampled_from([None, "1"])),
        *of([people.DeviceRegistered], device=st.just("d"), service=st.just("FCM"), email=addresses),
        *of([people.DeviceRemoved], device=st.just("d")),
        *of([consent.TrackingChosen], allowed=st.booleans(), email=addresses, person=ids.map(str)),
        *of([people.PersonMerged], person=ids.map(str), other=ids.map(str)),
        *of([people.PersonErased], person=ids.map(str)),
    ],
    "devices": [
        *of(
            [people.DeviceRegistered],
            device=st.sampled_from(["d", "e"]),
            service=st.sampled_from(["FCM", "APNS"]),
            application=st.sampled_from(["", "app"]),
        ),
        *of([people.DeviceRemoved], device=st.sampled_from(["d", "e"])),
    ],
    "short_links": [
        *of(
            [messages.LinksShortened],
            message=ids.map(str),
            person=st.sampled_from([None, "1"]),
            links=st.lists(
                st.sampled_from(
                    [messages.ShortLink(code=code, url="https://x.example") for code in ("a", "b", "c")]
                ),
                max_size=2,
                unique=True,
            ).map(tuple),
        )
    ],
    "consent": [
        *of([commerce.OrderCreated, commerce.OrderUpdated], order=orders),
        *of([commerce.CartCreated, commerce.CartUpdated], cart=carts, keyless=st.booleans()),
        *of([consent.SuppressionAdded, consent.SuppressionRemoved], **suppressions),
        *of([consent.ConsentGranted], **channels, requested_at=st.just(1)),
        *of([consent.TrackingChosen], allowed=st.booleans(), email=addresses, phone=phones),
        *of(
            [consent.ConsentWithdrawn, consent.SubscriptionConfirmed, consent.UnsubscriptionRequested],
            **channels,
        ),
        *of([consent.SubscriptionRequested], email=addresses, phone=phones),
    ],
    "commerce": [
        *of([commerce.OrderCreated, commerce.OrderUpdated, commerce.OrderDeleted], order=orders),
        *of([commerce.CartCreated, commerce.CartUpdated, commerce.CartDeleted], cart=carts),
        *of([commerce.ProductCreated, commerce.ProductUpdated, commerce.ProductDeleted], product=products),
        *of([commerce.ProductViewed], product_id=st.sampled_from(["1", "2"])),
    ],
    "messages": [
        *of([messages.MessageRequested], address=st.just("a@x.example"), template=st.just("t")),
        *of([messages.MessageAttempted], **a_message, attempt=st.integers(1, 3)),
        *of([messages.MessageSent], **a_message, response=st.sampled_from(["", "250", "251"])),
        *of([messages.MessageDelivered, messages.MessageComplained], **a_message),
        *of(
            [messages.MessageDeferred],
            **a_message,
            attempt=st.integers(1, 3),
            response=st.just("4"),
            retry_at=ids,
        ),
        *of(
            [messages.MessageBounced],
            **a_message,
            category=st.just("c"),
            code=ids,
            bounce_class=st.sampled_from(["hard", "soft"]),
            details=st.just("d"),
        ),
        *of([messages.MessageInDoubt], **a_message, reason=st.sampled_from("ab")),
        *of([messages.MessageCancelled], message=ids.map(str), reason=st.just("r")),
        *of([engagement.MessageOpened], message=ids.map(str)),
        *of([engagement.LinkClicked], message=ids.map(str), url=st.just("https://x.example")),
        *of([consent.UnsubscriptionRequested], message=ids.map(str)),
    ],
    "definitions": [
        *of([definitions.TemplateSaved], name=st.sampled_from("ab"), parts=st.just({"html": "x"})),
        *of([definitions.TemplateRemoved, definitions.AutomationRemoved], name=st.sampled_from("ab")),
        *of([definitions.AutomationSaved], name=st.sampled_from("ab"), definition=st.just({})),
        *of(
            [definitions.FeedSaved],
            name=st.sampled_from("ab"),
            dialect=st.just("d"),
            endpoint=st.sampled_from(["https://x.example", "https://y.example"]),
            options=st.sampled_from([{}, {"confirm": True}]),
        ),
        *of(
            [
                definitions.FeedConfirmed,
                definitions.FeedPaused,
                definitions.FeedResumed,
                definitions.FeedRemoved,
            ],
            name=st.sampled_from("ab"),
        ),
    ],
    "images": [
        *of(
            [jobs.ImagePublished],
            image=st.sampled_from("ab"),
            content_type=st.just("timers"),
            definition=st.just({}),
        ),
        *of([jobs.ImageArchived], image=st.sampled_from("ab")),
        *of(
            [engagement.ImageShown],
            image=st.sampled_from("ab"),
            variant=st.sampled_from(["", "expired"]),
            reader=readers,
        ),
        *of(
            [engagement.VoteCast],
            tracker=st.sampled_from("ab"),
            option=st.integers(1, 3),
            person=maybe(st.none(), ids.map(str)),
            message=maybe(st.none(), ids.map(str)),
            ip=st.sampled_from(["", "198.51.100.7"]),
            reader=readers,
        ),
        *of([engagement.ReaderJudged], event=ids.map(str), reader=readers, reason=st.just("r")),
    ],
    "preferences": [
        *of(
            [preferences.SubscriptionTopicSaved],
            name=st.sampled_from("ab"),
            titles=st.sampled_from([{}, {"en": "A"}]),
            default=st.booleans(),
        ),
        *of([preferences.SubscriptionTopicRemoved], name=st.sampled_from("ab")),
        *of(
            [preferences.SubscriptionTopicChosen],
            **channels,
            topic=st.sampled_from("ab"),
            wanted=st.booleans(),
        ),
        *of([preferences.MarketingPaused], **channels, until=st.integers(0, 9)),
    ],
    "erasures": of([people.ErasureRequested, people.PersonErased], person=ids.map(str)),
    "topics": [
        *of([topics.TopicCreated, topics.TopicDeleted], topic=st.sampled_from("ab")),
        *of(
            [topics.TopicChanged],
            topic=st.sampled_from("ab"),
            attributes=st.sampled_from([{"A": "1"}, {"A": ""}]),
            tags=st.sampled_from([{}, {"k": "v"}]),
            untagged=st.sampled_from([(), ("k",)]),
        ),
        *of(
            [topics.TopicSubscribed],
            topic=st.sampled_from("ab"),
            subscription=st.sampled_from("12"),
            protocol=st.just("http"),
            endpoint=st.sampled_from(["http://x.example", "http://y.example"]),
            owner=st.just(ACCOUNT),
            nonce=st.sampled_from("mn"),
            expires=st.integers(0, 20).map(lambda n: NOW + n * SECOND),
            confirmed=st.booleans(),
        ),
        *of([topics.TopicConfirmed], **a_subscription, nonce=st.sampled_from("mno")),
        *of([topics.TopicSubscriptionChanged], **a_subscription, attributes=st.just({"B": "1"})),
        *of(
            [topics.TopicUnsubscribed],
            **a_subscription,
            nonce=st.sampled_from(["", "o"]),
            expires=st.integers(0, 20).map(lambda n: NOW + n * SECOND),
        ),
        *of(
            [definitions.FeedSaved],
            name=st.just("f"),
            dialect=st.just("d"),
            endpoint=st.sampled_from(["sns:a", "https://x.example"]),
        ),
    ],
    "records": [
        *of(
            [jobs.RecordPut],
            prefix=st.sampled_from("AB"),
            key=st.sampled_from("kl"),
            record=st.sampled_from([{"n": 1}, {"n": "ä"}]),
            expires_at=maybe(st.none(), st.integers(-2, 25).map(lambda n: NOW + n * SECOND)),
        ),
        *of([jobs.RecordRemoved], prefix=st.sampled_from("AB"), key=st.sampled_from("kl")),
    ],
    "campaigns": of(
        [
            definitions.CampaignCreated,
            definitions.CampaignChanged,
            definitions.CampaignStopped,
            definitions.CampaignStarted,
            definitions.CampaignArchived,
            definitions.CampaignSubscribed,
            definitions.CampaignUnsubscribed,
        ],
        guid=st.sampled_from(["89r4i3l4", "ekpz8q6s"]),
    ),
    "reports": [
        *of(
            [messages.MessageRequested],
            address=st.sampled_from(["a@x.example", "b@x.example"]),
            template=st.just("t"),
            campaign=st.sampled_from([None, messages.Campaign(id=1, name="c")]),
            is_test=st.booleans(),
        ),
        *of([messages.MessageSent, messages.MessageDelivered], **a_message),
        *of(
            [messages.MessageBounced],
            **a_message,
            category=st.sampled_from("cd"),
            code=ids,
            bounce_class=st.sampled_from(["hard", "soft"]),
            details=st.just("d"),
        ),
        *of(
            [engagement.MessageOpened],
            message=maybe(st.none(), ids.map(str)),
            campaign=st.sampled_from([None, "89r4i3l4"]),
            custom_id=st.sampled_from(["", "a", "b", "[UNIQUE]"]),
            mode=st.sampled_from(["", "dark"]),
        ),
        *of(
            [engagement.LinkClicked], message=ids.map(str), url=st.sampled_from(["https://x.example?a", "/"])
        ),
        *of(
            [engagement.ReaderJudged],
            event=ids.map(str),
            reader=readers,
            reason=st.just("r"),
            reliable=st.booleans(),
            platform=st.sampled_from(["", "mobile"]),
        ),
        *of(
            [engagement.MessageRead],
            open=ids.map(str),
            seconds=st.sampled_from([-1, 8]),
            category=st.sampled_from(["Read", "Not Supported"]),
        ),
        *of([consent.UnsubscriptionRequested, consent.ConsentWithdrawn], message=ids.map(str)),
    ],
    "jobs": [
        *of([jobs.JobSubmitted], name=st.just("news"), template=st.just("t"), source=st.just("upload:x")),
        *of(
            [jobs.JobStarted, jobs.JobPaused, jobs.JobResumed, jobs.JobCancelled, jobs.JobFinished],
            job=ids.map(str),
        ),
        *of([jobs.JobDecided], job=ids.map(str), template=st.sampled_from(["a", "b"])),
        *of(
            [jobs.JobFailed],
            job=ids.map(str),
            error_code=st.just("Transfer Error"),
            error_message=st.just("m"),
        ),
    ],
    "segments": [
        *of(
            [definitions.SegmentSaved],
            name=st.sampled_from("ab"),
            who=st.sampled_from([{"country": "DE"}, {"tags": {"contains": "vip"}}]),
        ),
        *of([definitions.SegmentRemoved], name=st.sampled_from("ab")),
    ],
    "engagement": [
        *of([messages.MessageSent], **a_message, is_test=st.booleans()),
        *of(
            [engagement.ReaderJudged],
            event=ids.map(str),
            reader=st.sampled_from(["human", "bot"]),
            reason=st.just("r"),
        ),
        *of([people.PersonMerged], person=ids.map(str), other=ids.map(str)),
    ],
    "visits": [
        *of([engagement.MessageOpened], user_agent=st.sampled_from(["", "Mozilla/5.0"])),
        *of(
            [engagement.ReaderJudged],
            event=ids.map(str),
            reader=st.sampled_from(["human", "bot"]),
            reason=st.just("r"),
            reliable=st.booleans(),
        ),
    ],
}

SUBJECTS = {"engagement": tuple(f"person:{turn * 7:08x}-0000-7000-8000-000000000000" for turn in range(3))}
"""Whose facts the events are, where a fold asks for that: people, who have the ids of early events."""

ANYBODY = ("email:A@x.example", "email:b@x.example", "customer:1")


@st.composite
def stories(draw: st.DrawFn, name: str) -> list[AnyEvent]:
    """Up to twenty events, recorded in order; what they say of the time may be anything."""
    events: list[AnyEvent] = []
    for turn in range(draw(st.integers(1, 20))):
        data = draw(st.one_of(STORIES[name]))
        for field in ("message", "person", "other", "event", "open", "job"):
            place = getattr(data, field, None)
            if isinstance(place, str) and events:
                known = events[int(place) % len(events)].id
                data = type(data)(**{**{f: getattr(data, f) for f in data.__struct_fields__}, field: known})
        events.append(
            recorded(
                data,
                now=NOW + turn * SECOND,
                at=NOW + draw(st.integers(-20, 40)) * SECOND,
                subject=draw(st.sampled_from(SUBJECTS.get(name, ANYBODY))),
                account=draw(st.sampled_from([ACCOUNT, ACCOUNT, OTHER])),
                id=f"{turn * 7 % 31:08x}-0000-7000-8000-000000000000",
            )
        )
    return events


def folded(fold: Fold, batches: Sequence[Sequence[AnyEvent]], *, replayed: bool = False) -> Any:
    with ENGINE.connect() as connection, connection.begin() as transaction:
        for _ in range(2 if replayed else 1):
            for table in fold.tables:
                connection.execute(delete(table))
            for batch in batches:
                fold.apply(connection, batch)
        state = dump(connection, fold.tables)
        transaction.rollback()
    return state


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.name)
@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_state_does_not_depend_on_how_events_are_cut(fold: Fold, data: st.DataObject) -> None:
    """One batch, one by one, cut anywhere, each event twice, and folded again from nothing: the same state."""
    events = data.draw(stories(fold.name))
    cut = data.draw(st.integers(0, len(events)))
    whole = folded(fold, [events])
    assert folded(fold, [[event] for event in events]) == whole
    assert folded(fold, [events[:cut], events[cut:]]) == whole
    assert folded(fold, [[event for event in events for _ in range(2)]]) == whole
    assert folded(fold, [[event] for event in events for _ in range(2)]) == whole
    assert folded(fold, [events], replayed=True) == whole


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_an_identity_has_one_owner_who_is_there_and_shows_it(data: st.DataObject) -> None:
    """A person's row never shows an address, number or phone that is not theirs, and everybody shown exists."""
    people_fold = FOLDS[0]
    state = folded(people_fold, [data.draw(stories("people"))])
    persons = {row[0]: row for row in state["persons"]}
    owners = {(row[0], row[1], row[2]): (row[3], row[5]) for row in state["identities"]}
    for person, _ in owners.values():
        assert person in persons
    for row in persons.values():
        account = row[1]
        for kind, value in (("email", row[2]), ("customer", row[3]), ("phone", row[4])):
            if value is not None:
                assert owners[account, kind, value] == (row[0], None)


@pytest.mark.parametrize("fold", FOLDS, ids=lambda fold: fold.name)
def test_a_fold_names_kinds_that_exist_and_tables_of_its_own(fold: Fold) -> None:
    assert fold.kinds <= BY_NAME.keys()
    assert all(table.metadata.tables[table.name] is table for table in fold.tables)
    others = [table for other in FOLDS if other is not fold for table in other.tables]
    assert not set(fold.tables) & set(others)


def test_the_stories_tell_of_nearly_every_kind() -> None:
    told = {kind for fold in FOLDS for kind in fold.kinds}
    assert {fold.name for fold in FOLDS} == STORIES.keys()
    assert len(told) > 40
