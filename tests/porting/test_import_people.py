"""What a row of a person becomes: the exports of other systems, and what they say of permission."""

from __future__ import annotations

import pytest
from file_world import (
    ACCOUNT,
    AS_OF,
    KLAVIYO,
    MAILCHIMP,
    MAILCHIMP_UNSUBSCRIBED,
    NOW,
    REMARKETY,
    SHOPIFY,
    person,
    plan,
)
from hypothesis import given
from hypothesis import strategies as st

from heliograph.clock import SECOND
from heliograph.errors import BadRequest, OperatorError
from heliograph.events import codec
from heliograph.events.consent import (
    ConsentWithdrawn,
    SubscriptionRequested,
    SuppressionAdded,
    UnsubscriptionRequested,
)
from heliograph.events.event import Unknown, is_derived
from heliograph.porting import columns, people, wishes
from heliograph.porting.importing import READERS

ANN = "ann@x.example"
OPTED_IN = 1_614_853_331 * SECOND  # 2021-03-04 10:22:11 UTC


def said(event) -> dict:
    return codec.properties(event)


def test_mailchimps_subscribers_come_with_the_proof_of_their_yes() -> None:
    """STD-7"""
    row = (
        'ann@x.example,Ann,Poe,+12025550137,2,"2021-03-04 10:22:11",198.51.100.7,"2021-03-04 10:23:11",198.51.100.8,'
        ',,,,America/New_York,us,ny,"2023-05-06 07:08:09",1,abc,,"""vip"",""news"""'
    )
    yes, customer = person(MAILCHIMP, row)
    assert yes.data == SubscriptionRequested(
        email=ANN,
        double_optin=False,
        ip="198.51.100.7",
        confirmed_at=OPTED_IN + 60 * SECOND,
        optin_ip="198.51.100.8",
        source="import",
    )
    assert yes.at == OPTED_IN and yes.subject == f"email:{ANN}"
    assert said(customer) == {
        "email": ANN,
        "first_name": "Ann",
        "last_name": "Poe",
        "sms_phone_number_e164": "+12025550137",
        "time_zone": "America/New_York",
        "default_address": {"province": "ny", "country": "us"},
        "updated_at": "2023-05-06 07:08:09",
        "accepts_marketing": True,
        "tags": ["vip", "news"],
        "append_tags": True,
    }
    assert customer.kind == "person.updated" and customer.at == 1_683_356_889 * SECOND
    assert all(
        event.account == ACCOUNT and event.recorded == NOW and is_derived(event.id)
        for event in (yes, customer)
    )


def test_mailchimps_unsubscribed_are_unsubscribed_whatever_they_said_before() -> None:
    cells = ["", *[""] * (MAILCHIMP_UNSUBSCRIBED.count(","))]
    names = MAILCHIMP_UNSUBSCRIBED.split(",")
    cells[0] = ANN
    cells[names.index("OPTIN_TIME")] = "2021-03-04 10:22:11"
    cells[names.index("UNSUB_TIME")] = "2021-03-04 10:24:11"
    cells[names.index("UNSUB_REASON")] = "Never signed up"
    no, customer = person(MAILCHIMP_UNSUBSCRIBED, *cells)
    assert no.data == UnsubscriptionRequested(address=ANN, how="import", reason="Never signed up")
    assert no.at == OPTED_IN + 120 * SECOND
    assert said(customer)["accepts_marketing"] is False


@pytest.mark.parametrize(
    ("word", "kinds", "accepts"),
    [
        ("SUBSCRIBED", ["subscription.requested"], True),
        ("UNSUBSCRIBED", ["unsubscription.requested"], False),
        ("NEVER_SUBSCRIBED", [], False),
        ("", [], None),
    ],
)
def test_klaviyos_words_of_consent(word: str, kinds: list[str], accepts: bool | None) -> None:
    since = "2021-03-04T10:22:11+00:00" if word == "SUBSCRIBED" else ""
    row = f"{ANN},01H,Ann,Poe,Acme,,+12025550137,1 Main St,,Austin,Texas,United States,73301,{word},{since},,"
    *before, customer = person(KLAVIYO, row)
    assert [event.kind for event in before] == kinds
    assert said(customer).get("accepts_marketing") is accepts
    assert said(customer)["default_address"]["zip"] == "73301"


def test_shopifys_quoted_numbers_and_plain_yes() -> None:
    """A bare yes is the shop's word: it goes with the customer and lifts nothing (RM-11)."""
    row = f"'7012,Ann,Poe,{ANN},yes,,,,,US,,'+12025550137,no,12.00,1,,\"vip, news\""
    no, customer = person(SHOPIFY, row)
    assert no.data == ConsentWithdrawn(
        channel="sms", address="+12025550137", how="import", reason="sms_consent: no"
    )
    assert said(customer)["id"] == "7012" and said(customer)["accepts_marketing"] is True
    assert said(customer)["sms_phone_number_e164"] == "+12025550137"
    assert said(customer)["tags"] == ["vip", "news"]
    assert customer.at == AS_OF, "it was true when the file was written"


def test_remarketys_names_of_the_contacts_api() -> None:
    (customer,) = person(REMARKETY, f"{ANN},Ann,Poe,false,,vip,0042,F,1990-01-02")
    assert said(customer)["id"] == "0042" and said(customer)["accepts_marketing"] is False
    assert said(customer)["birthdate"] == "1990-01-02" and said(customer)["gender"] == "F"


@pytest.mark.parametrize(
    ("status", "type"),
    [
        ("cleaned", "hard_bounce"),
        ("complained", "spam_complaint"),
        ("pending", "pending_opt_in"),
        ("archived", "manually_suppressed"),
    ],
)
def test_other_states_suppress(status: str, type: str) -> None:
    added, customer = person("email,status", f"{ANN},{status}")
    assert added.data == SuppressionAdded(address=ANN, type=type, reason="Imported")
    assert "accepts_marketing" not in said(customer)


def test_a_yes_whose_time_cannot_be_read_proves_nothing() -> None:
    names = ["email", "consent", "optin time"]
    row = dict(zip(names, [ANN, "yes", "3/4/21 around noon"], strict=True))
    records, notes = people.person(plan(columns.chosen(names, (), [row])), 2, row)
    assert [record.kind for record in records] == ["person.updated"]
    assert notes and notes[0].startswith("consent_at: '3/4/21 around noon' is no date")


def test_a_no_counts_even_if_its_time_cannot_be_read() -> None:
    no, _ = person("email,unsub time", f"{ANN},3/4/21")
    assert no.kind == "unsubscription.requested" and no.at == AS_OF


def test_an_unknown_word_is_neither_yes_nor_no_even_beside_an_opt_in_time() -> None:
    (customer,) = person("email,consent,optin time", f"{ANN},qwerty,2021-03-04 10:22:11")
    assert "accepts_marketing" not in said(customer)


def test_rows_that_say_nothing_are_what_the_operator_says_of_the_file() -> None:
    no, _ = person("email,name", f"{ANN},Ann Poe", usual=wishes.answer("unsubscribed"))
    assert no.kind == "unsubscription.requested"
    with pytest.raises(OperatorError, match="says nothing of consent"):
        wishes.answer("perhaps")


def test_what_the_accounts_policy_keeps_of_addresses_is_kept() -> None:
    """STD-7"""
    yes, _ = person(
        "email,optin time,optin ip", f"{ANN},2021-03-04 10:22:11,198.51.100.7", sender={"keep_ip": "truncate"}
    )
    assert yes.data.ip == "198.51.100.0"


def test_an_invalid_row_is_refused_by_the_doors_own_reader() -> None:
    with pytest.raises(BadRequest, match="a customer needs a valid email or an id"):
        person("email,name", "no address,Ann")


def test_who_was_erased_is_not_taken_again() -> None:
    """RM-12"""
    with pytest.raises(BadRequest, match="was erased on request"):
        person(
            "email,name", f"{ANN},Ann", erased=lambda channel, address: (channel, address) == ("email", ANN)
        )


def test_a_file_is_put_right_by_its_operator() -> None:
    (customer,) = person(
        "E-Mail,Vorname,Lieblingsfarbe", f"{ANN},Änne,blau", maps=("first_name=Vorname", "favourite_colour=Lieblingsfarbe"),
        tags=("moved",), replace_tags=True,
    )  # fmt: skip
    assert said(customer) == {
        "email": ANN,
        "first_name": "Änne",
        "favourite_colour": "blau",
        "tags": ["moved"],
        "append_tags": False,
    }


def test_phones_without_a_country_are_of_the_one_that_is_named() -> None:
    (customer,) = person("email,phone", f"{ANN},(202) 555-0137", country="US")
    assert said(customer)["sms_phone_number_e164"] == "+12025550137"


def test_a_mapping_that_cannot_be_is_refused() -> None:
    for said_, message in (("email", "is not FIELD=COLUMN"), ("email=Mail", "there is no column 'Mail'")):
        with pytest.raises(OperatorError, match=message):
            columns.chosen(["E-Mail"], (said_,), [])
    with pytest.raises(OperatorError, match="say which column holds the address"):
        columns.chosen(["colour"], (), [{"colour": "blue"}])


def test_an_address_is_found_under_any_header() -> None:
    assert columns.chosen(["Kontakt"], (), [{"Kontakt": ANN}]) == {"email": "Kontakt"}


def test_a_suppression_list_makes_nobody_a_customer() -> None:
    for row, kind in (
        ({"1": ANN}, "suppression.added"),
        ({"1": ANN, "type": "unsubscribed"}, "unsubscription.requested"),
    ):
        chosen = {"email": "1", "suppressions": "type"}
        records, _ = people.suppression(plan(chosen), 1, row)
        assert [record.kind for record in records] == [kind]
    with pytest.raises(BadRequest, match="email"):
        people.suppression(plan({"email": "1"}), 1, {"1": "nobody"})


def test_addresses_that_are_none_are_no_proof() -> None:
    yes, _ = person("email,optin time,optin ip", f"{ANN},2021-03-04 10:22:11,somewhere")
    assert yes.data.ip == "" and yes.data.optin_ip is None


def test_an_erased_address_on_a_list_is_not_written_down_again() -> None:
    """RM-12"""
    with pytest.raises(BadRequest, match="was erased on request"):
        people.suppression(plan({"email": "1"}, erased=lambda *_: True), 1, {"1": ANN})


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted({*columns.KNOWN, *columns.DOCUMENT})


@given(
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8),
    st.sampled_from(["people", "suppressions", "orders"]),
)
def test_any_row_is_taken_or_refused_with_a_reason(cells: dict, what: str) -> None:
    try:
        records, _ = READERS[what](plan({name: name for name in cells}), 7, cells | {"email": ANN})
    except BadRequest:
        return
    for record in records:
        assert not isinstance(codec.decode(record).data, Unknown), "what is recorded can be read again"


def test_orders_and_products_are_dated_by_themselves() -> None:
    order = {
        "id": 1,
        "email": ANN,
        "created_at": "2021-03-04T10:22:11Z",
        "updated_at": "2022-01-01T00:00:00Z",
    }
    for row in (order, {"id": "1", "total": 3, "document": order}):
        (record,), _ = people.document("orders/create", plan({}), 1, row)
        event = codec.decode(record)
        assert event.kind == "order.created" and event.at == OPTED_IN and said(event) == order
    (record,), _ = people.document("products/create", plan({}), 1, {"id": 7, "title": "Cloak"})
    assert record.kind == "product.created" and record.at == AS_OF
