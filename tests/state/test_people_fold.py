"""Who is who: identities, renames, and which word on a person is the newest."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert
from state_world import (
    ACCOUNT,
    OTHER,
    World,
    cart,
    customer,
    dump,
    example,
    fold,
    order,
    product,
    recorded,
)

from heliograph.accounts.model import ACCOUNTS
from heliograph.clock import SECOND
from heliograph.events.commerce import CartUpdated, OrderCreated, ProductCreated, ProductViewed
from heliograph.events.consent import SubscriptionRequested
from heliograph.events.custom import Custom
from heliograph.events.event import AnyEvent
from heliograph.events.people import (
    DeviceRegistered,
    DeviceRemoved,
    PersonCreated,
    PersonDeleted,
    PersonErased,
    PersonMerged,
    PersonUpdated,
)
from heliograph.react.state import people
from heliograph.react.state.persons import GRAIN
from heliograph.react.state.reading import DOCUMENT_LIMIT


def find(world: World, **who: Any) -> people.Person:
    found = people.find(world.connection, ACCOUNT, **who)
    assert found is not None, f"{who} is nobody"
    return found


def told(world: World, how: dict[str, Any] | None = None, **fields: Any) -> AnyEvent:
    return world.happen(PersonUpdated(person=customer(**fields)), **(how or {}))


def test_the_documents_customer_is_a_person(world: World) -> None:
    """S3 customers/create; RM-8."""
    body = example("customers_create")
    event = world.hear(PersonCreated, body, subject="email:guy@remarkety.com")
    person = find(world, email="guy@remarkety.com")
    assert person == find(world, customer_id="1234") == find(world, person=event.id)
    assert person.id == event.id
    assert (person.first_name, person.last_name, person.gender) == ("Guy", "Harel", "M")
    assert person.accepts_marketing is True
    assert person.tags == ("tag1", "tag2")
    assert person.document == body


def test_a_person_is_the_same_after_a_replay(world: World) -> None:
    event = told(world, id=7, email="a@x.example")
    fold(world.connection, [event])
    assert find(world, customer_id="7").id == event.id


@pytest.mark.parametrize(
    ("append", "tags"),
    [(True, ("a", "b", "c")), ("1", ("a", "b", "c")), (False, ("b", "c")), (None, ("b", "c"))],
)
def test_tags_are_appended_only_when_asked(world: World, append: Any, tags: tuple[str, ...]) -> None:
    """RM-9: `append_tags` true appends, false or absent replaces; RM-8: array or comma string."""
    told(world, id=7, tags=["a", "b"])
    told(world, id=7, tags="b, c", append_tags=append)
    person = find(world, customer_id="7")
    assert person.tags == tags
    assert person.document["tags"] == list(tags)
    assert "append_tags" not in person.document


def test_no_word_on_tags_leaves_them(world: World) -> None:
    """RM-9."""
    told(world, id=7, tags=["a"])
    told(world, id=7, first_name="Ann")
    assert find(world, customer_id="7").tags == ("a",)


def test_a_known_number_with_another_address_is_a_rename(world: World) -> None:
    """RM-9: the old address ends, and is still known to have been theirs."""
    first = told(world, id=7, email="old@x.example")
    told(world, id=7, email="new@x.example")
    assert find(world, email="new@x.example").id == first.id
    assert people.find(world.connection, ACCOUNT, email="old@x.example") is None
    assert people.subjects(world.connection, ACCOUNT, first.id) == [
        f"person:{first.id}",
        "customer:7",
        "email:new@x.example",
        "email:old@x.example",
    ]


def test_another_address_without_a_number_is_another_person(world: World) -> None:
    """RM-9."""
    first = told(world, id=7, email="a@x.example")
    second = told(world, email="b@x.example")
    assert find(world, email="b@x.example").id == second.id != first.id


def test_an_ended_address_can_begin_again_with_somebody_else(world: World) -> None:
    first = told(world, id=7, email="desk@x.example")
    told(world, id=7, email="ann@x.example")
    second = told(world, id=8, email="desk@x.example")
    assert find(world, email="desk@x.example").id == second.id
    assert "email:desk@x.example" not in people.subjects(world.connection, ACCOUNT, first.id)


def test_the_number_wins_where_an_event_names_two_people(world: World) -> None:
    """RM-9: the address moves to the number's owner; an identity has one owner."""
    ann = told(world, id=1, email="ann@x.example", first_name="Ann")
    ben = told(world, id=2, email="ben@x.example", first_name="Ben")
    told(world, id=2, email="ann@x.example")
    assert find(world, email="ann@x.example").id == ben.id
    assert find(world, customer_id="1").id == ann.id
    assert find(world, customer_id="1").email is None
    assert people.find(world.connection, ACCOUNT, email="ben@x.example") is None


def test_a_guest_who_registers_stays_the_same_person(world: World) -> None:
    guest = world.happen(OrderCreated(order=order(id=1, email="ann@x.example")))
    told(world, id=7, email="ann@x.example")
    assert find(world, customer_id="7").id == guest.id


@pytest.mark.parametrize(
    "data",
    [
        OrderCreated(order=order(id=1, email="ann@x.example")),
        OrderCreated(order=order(id=1, customer={"email": "Ann@X.example "})),
        CartUpdated(cart=cart(id=1, email="ann@x.example", customer=None)),
        SubscriptionRequested(email="ann@x.example"),
        Custom(name="room-booked", email="ann@x.example"),
        ProductViewed(product_id="1", email="ann@x.example"),
        DeviceRegistered(device="token", service="FCM", email="ann@x.example"),
    ],
    ids=lambda data: data.kind,
)
def test_whoever_an_event_names_exists_from_then_on(world: World, data: Any) -> None:
    """wire-facts 6.1: an unknown customer of an order is created."""
    event = world.happen(data)
    assert find(world, email="ann@x.example").id == event.id


def test_the_customers_own_address_goes_before_the_orders(world: World) -> None:
    world.happen(
        OrderCreated(order=order(id=1, email="office@x.example", customer={"id": 7, "email": "a@x.example"}))
    )
    assert find(world, customer_id="7").email == "a@x.example"
    assert people.find(world.connection, ACCOUNT, email="office@x.example") is None


def test_an_anonymous_cart_names_nobody(world: World) -> None:
    """RM-8: null e-mail and customer in carts."""
    world.happen(CartUpdated(cart=cart(id=1, email=None, customer=None)))
    assert not any(dump(world.connection, people.FOLD.tables).values())


def test_a_browser_cannot_take_over_a_customer(world: World) -> None:
    """What is said unasked finds a person and ties nothing: the number alone makes nobody either (S3)."""
    ann = told(world, id=7, email="ann@x.example")
    world.happen(Custom(name="x", email="evil@x.example", customer_id="7"))
    world.happen(ProductViewed(product_id="1", email="evil@x.example", customer_id="7"))
    world.happen(Custom(name="x", customer_id="99"))
    assert find(world, customer_id="7").email == "ann@x.example"
    assert find(world, email="ann@x.example").id == ann.id
    assert people.find(world.connection, ACCOUNT, customer_id="99") is None


def test_an_older_word_fills_gaps_and_overwrites_nothing(world: World) -> None:
    """RM-7: `x-event-time` in the past."""
    now = told(world, id=7, email="new@x.example", first_name="New", tags=["new"])
    past = {"at": now.at - 3600 * SECOND}
    told(
        world,
        past,
        id=7,
        email="old@x.example",
        first_name="Old",
        last_name="Kept",
        tags=["old"],
        city="Rome",
    )
    person = find(world, customer_id="7")
    assert (person.email, person.first_name, person.last_name, person.tags) == (
        "new@x.example",
        "New",
        "Kept",
        ("new",),
    )
    assert people.find(world.connection, ACCOUNT, email="old@x.example") is None
    assert "email:old@x.example" in people.subjects(world.connection, ACCOUNT, person.id)


def test_an_older_word_takes_nothing_from_its_owner(world: World) -> None:
    now = told(world, id=1, email="ann@x.example")
    told(world, id=2, email="ben@x.example")
    told(world, {"at": now.at - SECOND}, id=2, email="ann@x.example")
    assert find(world, email="ann@x.example").customer_id == "1"
    assert find(world, customer_id="2").email == "ben@x.example"


def test_a_clock_ahead_does_not_silence_what_comes_after(world: World) -> None:
    """RM-7 accepts up to five minutes of the future."""
    told(world, {"at": world.now + 300 * SECOND}, id=7, first_name="Early")
    told(world, id=7, first_name="Right")
    assert find(world, customer_id="7").first_name == "Right"


def test_null_and_blank_say_nothing(world: World) -> None:
    """RM-23."""
    told(world, id=7, first_name="Ann", accepts_marketing=True, gender="female")
    told(world, id=7, first_name="", accepts_marketing=None, gender="?", email=" ")
    person = find(world, customer_id="7")
    assert (person.first_name, person.accepts_marketing, person.gender, person.email) == (
        "Ann",
        True,
        "F",
        None,
    )


@pytest.mark.parametrize(
    ("sent", "kept"), [("male", "M"), ("Female", "F"), ("m", "M"), ("F", "F"), ("x", None)]
)
def test_genders_have_two_letters(world: World, sent: str, kept: str | None) -> None:
    """wire-facts 6.4: plug-ins send words."""
    told(world, id=7, gender=sent)
    assert find(world, customer_id="7").gender == kept


def test_a_cart_repeating_its_customer_changes_nothing_and_a_change_in_it_does(world: World) -> None:
    guy = {"id": 7, "email": "guy@x.example", "first_name": "Guy", "loyalty": "gold"}
    for number in range(3):
        world.hear(CartUpdated, {"id": number, "customer": guy})
    assert find(world, customer_id="7").document["loyalty"] == "gold"
    world.hear(CartUpdated, {"id": 4, "customer": {**guy, "loyalty": "none"}})
    assert find(world, customer_id="7").document["loyalty"] == "none"


def test_a_repeat_is_written_down_once_a_minute(world: World) -> None:
    """Carts repeat their customer with every change; what is older than a repeat by more than that is old."""
    first = told(world, id=7, first_name="Ann")
    before = dump(world.connection, people.FOLD.tables)
    told(world, id=7, first_name="Ann")
    assert dump(world.connection, people.FOLD.tables) == before
    world.now += GRAIN
    told(world, id=7, first_name="Ann")
    told(world, {"at": first.at + 30 * SECOND}, id=7, first_name="Bea")
    assert find(world, customer_id="7").first_name == "Ann"


def test_a_person_has_phones_and_devices_too(world: World) -> None:
    """S3 newsletter/subscribe with E.164 (RM-19); wishes add their tags."""
    told(world, id=7, email="ann@x.example", tags=["a"])
    world.happen(SubscriptionRequested(email="ann@x.example", phone="+12025550137", tags=("b",)))
    world.happen(DeviceRegistered(device="token", service="FCM", customer_id="7"))
    person = find(world, phone="+12025550137")
    assert person.email == "ann@x.example"
    assert person.tags == ("a", "b")
    assert "device:token" in people.subjects(world.connection, ACCOUNT, person.id)


def test_a_removed_device_finds_nobody(world: World) -> None:
    world.happen(DeviceRegistered(device="token", service="FCM"))
    world.happen(DeviceRemoved(device="token"))
    second = world.happen(DeviceRegistered(device="token", service="FCM"))
    assert people.subjects(world.connection, ACCOUNT, second.id) == [f"person:{second.id}", "device:token"]


def test_a_deleted_customer_is_marked_until_the_shop_tells_of_them_again(world: World) -> None:
    """RM-23: deletions carry `{id}` or `{id, email}`."""
    told(world, id=7, email="ann@x.example", first_name="Ann")
    world.happen(PersonDeleted(person=customer(id="7")))
    assert find(world, customer_id="7").deleted
    assert find(world, customer_id="7").first_name == "Ann"
    told(world, id=7, first_name="Ann")
    assert not find(world, customer_id="7").deleted


def test_deleting_a_stranger_makes_nobody(world: World) -> None:
    world.happen(PersonDeleted(person=customer(id=99)))
    assert people.find(world.connection, ACCOUNT, customer_id="99") is None


def test_two_who_turn_out_to_be_one_are_one(world: World) -> None:
    ann = told(world, id=1, email="ann@x.example", first_name="Ann", tags=["a"])
    other = told(world, email="annie@x.example", last_name="Lee", tags=["b"])
    third = told(world, email="a.lee@x.example", first_name="A.")
    world.happen(PersonMerged(person=other.id, other=third.id))
    world.happen(PersonMerged(person=ann.id, other=other.id))
    for who in (
        {"person": third.id},
        {"person": other.id},
        {"email": "annie@x.example"},
        {"customer_id": "1"},
    ):
        assert find(world, **who).id == ann.id
    person = find(world, person=ann.id)
    assert (person.email, person.first_name, person.last_name, person.tags) == (
        "ann@x.example",
        "Ann",
        "Lee",
        ("a", "b"),
    )
    assert people.subjects(world.connection, ACCOUNT, ann.id) == [
        f"person:{ann.id}",
        "customer:1",
        "email:a.lee@x.example",
        "email:ann@x.example",
        "email:annie@x.example",
        *sorted([f"person:{other.id}", f"person:{third.id}"]),
    ]


def test_of_an_erased_person_nothing_remains(world: World) -> None:
    """STD-7."""
    ann = told(world, id=1, email="ann@x.example")
    other = told(world, email="annie@x.example")
    world.happen(PersonMerged(person=ann.id, other=other.id))
    world.happen(PersonErased(person=ann.id))
    assert not any(dump(world.connection, people.FOLD.tables).values())


def test_accounts_do_not_know_each_others_people(world: World) -> None:
    ann = told(world, id=1, email="ann@x.example")
    other = told(world, {"account": OTHER}, id=1, email="ann@x.example")
    assert people.find(world.connection, OTHER, email="ann@x.example").id == other.id  # type: ignore[union-attr] - None fails the test
    assert people.find(world.connection, OTHER, person=ann.id) is None
    world.happen(PersonMerged(person=ann.id, other=other.id))
    world.happen(PersonErased(person=other.id))
    assert people.find(world.connection, OTHER, person=other.id) is not None


def test_case_in_addresses_counts_where_the_account_says_so(world: World) -> None:
    """Whatever the event's subject: the shop's own number here."""
    policy = {"keep_local_case": True}
    account = {"number": ACCOUNT, "store_id": "S", "name": "", "policy": policy, "created": 1}
    world.connection.execute(insert(ACCOUNTS), account)
    big = told(world, {"subject": "customer:1"}, id=1, email="Ann@X.example")
    small = told(world, {"subject": "customer:2"}, id=2, email="ann@x.example")
    assert find(world, email="Ann@x.EXAMPLE").id == big.id
    assert find(world, email="ann@x.example").id == small.id
    assert people.subjects(world.connection, ACCOUNT, big.id)[2] == "email:Ann@x.example"
    assert people.find(world.connection, ACCOUNT, email="ANN@x.example") is None, "a third person, if anybody"


def test_zeros_in_front_of_a_number_count(world: World) -> None:
    """RM-23."""
    told(world, id="007", email="bond@x.example")
    assert people.find(world.connection, ACCOUNT, customer_id="7") is None
    assert find(world, customer_id="007").email == "bond@x.example"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": True},
        {"id": " ", "email": ""},
        {"id": "x" * 501, "email": "y" * 501},
    ],
)
def test_who_cannot_be_found_again_is_nobody(world: World, fields: dict[str, Any]) -> None:
    told(world, **fields)
    assert dump(world.connection, people.FOLD.tables)["persons"] == []


def test_strange_values_are_kept_and_break_nothing(world: World) -> None:
    told(world, id=1e300, email="a\x00b@x.example", first_name="\x00", tags=[None, 5, {"a": 1}, " "])
    assert find(world, email="a\x00b@x.example").tags == ("5", "{'a': 1}")


def test_a_document_does_not_grow_for_ever(world: World) -> None:
    for turn in range(4):
        world.hear(PersonUpdated, {"id": 7, **{f"field{turn}_{n}": "x" * 100 for n in range(300)}})
    document = find(world, customer_id="7").document
    assert len(str(document)) < 2 * DOCUMENT_LIMIT
    assert "field3_0" in document


def test_redacted_and_unknown_data_are_passed_over(world: World) -> None:
    told(world, id=7, email="ann@x.example")
    before = dump(world.connection, people.FOLD.tables)
    for raw in (b'{"redacted":true}', b'{"person":[]}'):
        world.happen(PersonUpdated(person=customer(id=7)), raw=raw)
    assert dump(world.connection, people.FOLD.tables) == before


def test_a_batch_reads_and_writes_each_table_once(world: World) -> None:
    """A statement per event would cost more than everything else a fold does."""
    events = [
        recorded(
            PersonUpdated(person=customer(id=n % 40, email=f"p{n % 40}@x.example", first_name=str(n))),
            now=world.now + n,
        )
        for n in range(400)
    ]
    statements: list[str] = []
    connection = world.connection
    original = type(connection).exec_driver_sql

    def counted(self: Any, statement: str, *args: Any, **more: Any) -> Any:
        statements.append(statement)
        return original(self, statement, *args, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(connection), "exec_driver_sql", counted)
        people.apply(connection, events)
    assert len(statements) <= 6, statements
    assert find(world, customer_id="39").first_name == "399"


def test_a_product_names_nobody(world: World) -> None:
    world.happen(ProductCreated(product=product(id=1)))
    assert dump(world.connection, people.FOLD.tables)["persons"] == []
