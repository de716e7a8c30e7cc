"""The closed set of kinds, the codec, and ids."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from heliograph.events import codec, commerce, people, subjects
from heliograph.events.event import (
    Data,
    Entry,
    Event,
    Redacted,
    Unknown,
    derived_id,
    id_time,
    is_derived,
    new_id,
    scoped_id,
)
from heliograph.events.messages import MessageCancelled
from heliograph.events.vocabulary import BY_NAME, KINDS

DOCS = Path(__file__).parent.parent.parent / "docs" / "events.md"
NOW = 1_700_000_000_123_456


def rows() -> list[list[str]]:
    lines = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def example(kind: type[Data]) -> Data:
    """A value of the kind with something in every mandatory field."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(kind):
        if field.required:
            values[field.name] = sample(field.type)
    return msgspec.convert(values, kind)


def sample(annotation: Any) -> Any:
    if annotation in (int, float):
        return 7
    if annotation is str:
        return "x"
    if annotation is bool:
        return True
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return {}
    text = str(annotation)
    if "Literal" in text:
        return get_args(annotation)[0]
    return [] if "tuple" in text or "list" in text else {}


def test_every_kind_is_in_the_table_of_the_documentation_and_nothing_else_is() -> None:
    documented = [row[0].strip("`") for row in rows()]
    assert documented == [kind.kind for kind in KINDS]
    assert all(len(row) == 5 for row in rows())


def test_every_topic_of_the_webhook_document_has_a_kind() -> None:
    """RM-16: the topics of S3."""
    topics = set(re.findall(r"`([a-z-]+/[a-z]+)`", " ".join(row[2] for row in rows())))
    assert topics == {
        *(
            f"email/{t}"
            for t in ("sent", "clicked", "opened", "delivered", "bounced", "spam", "unsubscribed")
        ),
        *(f"sms/{t}" for t in ("sent", "clicked", "replied", "unsubscribed")),
        "newsletter/subscribed",
        "email-suppression/added",
        "email-suppression/removed",
    }


def test_every_item_of_the_message_feed_document_has_a_kind() -> None:
    """MG-1, MG-7: the items of S1, with the miss named as its text does."""
    items = set(re.findall(r"\b\w+Activity\b", " ".join(row[4] for row in rows())))
    email = {
        "Click",
        "Open",
        "DeliveredMessage",
        "BouncedMessage",
        "Unsub",
        "SpamComplaint",
        "JobError",
        "RenderError",
    }
    push = {"DeliveredMobilePush", "BouncedMobilePush", "RenderErrorMobilePush"}
    sms = {"DeliveredSms", "BouncedSms", "RenderErrorSms", "InboundSms"}
    assert {f"{name}Activity" for name in email | push | sms | {"ContextHit", "ContextMiss"}} <= items


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_a_kind_survives_the_journal(kind: type[Data]) -> None:
    event = codec.make(example(kind), account="000000000001", subject="person:1", now=NOW)
    back = codec.decode(codec.encode(event))
    assert back.data == event.data and type(back.data) is kind
    assert back.kind == kind.kind and re.fullmatch(r"[a-z_]+\.[a-z_]+|custom", kind.kind)
    assert isinstance(codec.properties(back), dict)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.kind)
def test_an_erased_event_of_any_kind_reads_as_redacted(kind: type[Data]) -> None:
    """STD-7"""
    entry = Entry(1, new_id(NOW), "000000000001", kind.kind, "erased:1", NOW, NOW, None, codec.REDACTED)
    assert type(codec.decode(entry).data) is Redacted


def test_an_unknown_kind_is_kept_and_never_dropped() -> None:
    entry = Entry(1, new_id(NOW), "000000000001", "moon.landed", "x:1", NOW, NOW, None, b'{"a":1}')
    event = codec.decode(entry)
    assert type(event.data) is Unknown and event.raw == b'{"a":1}' and event.kind == "moon.landed"
    assert codec.encode(event).data == b'{"a":1}'


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"message":1}', b"\xff", b"[" * 100_000])
def test_bytes_that_no_kind_understands_do_not_raise(raw: bytes) -> None:
    entry = Entry(1, new_id(NOW), "000000000001", "message.cancelled", "x:1", NOW, NOW, None, raw)
    assert type(codec.decode(entry).data) is Unknown


def test_ids_grow_with_time_and_differ() -> None:
    ids = [new_id(NOW + step) for step in range(0, 5000, 7)]
    assert ids == sorted(ids) and len(set(ids)) == len(ids)
    assert len({new_id(NOW) for _ in range(1000)}) == 1000
    assert id_time(ids[0]) == NOW // 1000 * 1000
    assert all(
        re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", i) for i in ids
    )


def test_a_derived_id_is_the_same_each_time_and_differs_by_every_part() -> None:
    cause = new_id(NOW)
    made = derived_id(cause, "message.sent", "1")
    assert made == derived_id(cause, "message.sent", "1") and is_derived(made) and not is_derived(cause)
    assert id_time(made) == id_time(cause)
    others = {
        derived_id(cause, "message.sent", "2"),
        derived_id(cause, "message.sent1"),
        derived_id(new_id(NOW), "message.sent", "1"),
    }
    assert made not in others and len(others) == 3
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", made)


def test_a_clients_own_id_counts_within_its_source_only() -> None:
    assert scoped_id("1", "shop", "a") == scoped_id("1", "shop", "a")
    assert len({scoped_id("1", "shop", "a"), scoped_id("1", "till", "a"), scoped_id("2", "shop", "a")}) == 3


def test_what_follows_names_its_cause_and_can_be_made_again() -> None:
    first: Event[Data] = codec.make(
        MessageCancelled(message="m", reason="r"), account="1", subject="person:1", now=NOW
    )
    follow = codec.follow(first, MessageCancelled(message="m", reason="r"), "step-1", now=NOW + 5)
    again = codec.follow(first, MessageCancelled(message="m", reason="r"), "step-1", now=NOW + 9)
    assert follow.cause == first.id and follow.id == again.id and follow.subject == "person:1"


def test_addresses_compare_without_case_unless_the_account_keeps_it() -> None:
    assert subjects.email(" John@Wall.ORG ") == "email:john@wall.org"
    assert subjects.email("John@Wall.ORG", keep_case=True) == "email:John@wall.org"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1234, "1234"),
        ("000123", "000123"),
        (12.0, "12"),
        (" 7 ", "7"),
        ("", None),
        (None, None),
        (True, None),
    ],
)
def test_ids_are_text_and_keep_their_zeros(value: Any, expected: str | None) -> None:
    """RM-8, RM-23"""
    assert people.text_id(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("39.9000", 39.9), (10, 10.0), ("x", None), (None, None), (True, None), ("nan", None), ("1e999", None)],
)
def test_money_may_be_text(value: Any, expected: float | None) -> None:
    """RM-23"""
    assert commerce.amount(value) == expected


def test_a_negative_discount_is_a_discount() -> None:
    """S3:L370"""
    assert commerce.discount(-20) == 20.0 == commerce.discount("20")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2012-02-15T15:12:21-05:00", 1329336741_000_000),
        ("2012-02-15 20:12:21", 1329336741_000_000),
        (1329336741, 1329336741_000_000),
        ("1997-02-26", 856915200_000_000),
        ("soon", None),
        (None, None),
        (1e300, None),
    ],
)
def test_dates_come_in_many_forms(value: Any, expected: int | None) -> None:
    """RM-23: dates without a zone are UTC."""
    assert commerce.instant(value) == expected


def test_tags_genders_and_flags_have_one_form() -> None:
    """RM-8, S3:L224"""
    assert people.tag_list("a, b,,a") == ["a", "b"] == people.tag_list(["a", "b", None])
    assert people.tag_list(None) is None
    assert [people.gender(word) for word in ("male", "F", "Female", "x", None)] == ["M", "F", "F", None, None]
    assert [people.flag(word) for word in (True, "1", "no", 0, None, "maybe")] == [
        True,
        True,
        False,
        False,
        None,
        None,
    ]


def test_every_kind_has_one_name() -> None:
    assert len(BY_NAME) == len(KINDS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("Ann@BÜCHER.example", "ann@XN--BCHER-KVA.EXAMPLE"),
        ("ann@faß.example", "ann@xn--fa-hia.example"),
        ("ju\u0308rgen@x.example", "j\u00fcrgen@x.example"),
    ],
)
def test_two_spellings_of_an_international_address_are_one(one: str, other: str) -> None:
    """RFC 5891, RFC 6532"""
    assert subjects.normal_email(one) == subjects.normal_email(other)
    assert subjects.spoken_domain("ann@xn--bcher-kva.example") == "ann@bücher.example"
    assert subjects.normal_email("ann@exa mple") == "ann@exa mple"
