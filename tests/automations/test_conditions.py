"""Filters: what matches what."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import BadRequest
from heliograph.react.state.conditions import bound, compile_where, failing, first, matches

CART = {
    "id": 7,
    "total_price": "59.9000",
    "long": 9007199254740993,
    "long_text": "9007199254740993",
    "currency": "EUR",
    "accepts_marketing": "1",
    "note": None,
    "utm.source": "newsletter",
    "updated_at": "2026-01-31T12:00:00+01:00",
    "customer": {"tags": ["VIP", "news"], "groups": [{"id": 1, "name": "Gold"}, {"id": 2, "name": "Staff"}]},
    "line_items": [{"sku": "A1", "price": 10}, {"sku": "B2", "price": "49.90"}],
}


def holds(where: dict, properties: dict = CART) -> bool:
    return matches(compile_where(where, "where"), properties)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({}, True),
        ({"currency": "EUR"}, True),
        ({"currency": "eur"}, False),
        ({"currency": "EUR", "id": 8}, False),
        # ids and flags are read as tolerantly as they are sent (RM-8, RM-23)
        ({"id": 7}, True),
        ({"id": "7"}, True),
        ({"id": "07"}, False),
        ({"long": 9007199254740993}, True),
        ({"long": 9007199254740992}, False),
        ({"long": "9007199254740993"}, True),
        ({"long_text": 9007199254740993}, True),
        ({"accepts_marketing": True}, True),
        ({"accepts_marketing": False}, False),
        # money as text (RM-23)
        ({"total_price": 59.9}, True),
        ({"total_price": {"gt": 59.9}}, False),
        ({"total_price": {"gte": 59.9}}, True),
        ({"total_price": {"gt": 50, "lt": 60}}, True),
        ({"total_price": {"gt": 50, "lt": 55}}, False),
        ({"total_price": {"lte": 10}}, False),
        ({"currency": {"gt": 5}}, False),
        ({"accepts_marketing": {"gt": 0}}, True),
        # dates
        ({"updated_at": {"gt": "2026-01-31T10:59:00Z"}}, True),
        ({"updated_at": {"lt": "2026-01-31T11:00:00Z"}}, False),
        ({"updated_at": {"lte": "2026-01-31T11:00:00Z"}}, True),
        # nested, and through lists
        ({"customer.groups.name": "Gold"}, True),
        ({"customer.groups.0.name": "Gold"}, True),
        ({"customer.groups.1.name": "Gold"}, False),
        ({"customer.groups.9.name": "Gold"}, False),
        ({"customer.groups.99999999999999999999.name": "Gold"}, False),
        ({"line_items.sku": {"in": ["X", "B2"]}}, True),
        ({"line_items.sku": {"not_in": ["B2"]}}, False),
        ({"line_items.sku": {"not_in": ["X"]}}, True),
        ({"line_items.price": {"gte": 49}}, True),
        ({"line_items.price": {"gte": 50}}, False),
        ({"customer.tags": "VIP"}, True),
        ({"customer.tags": {"contains": "VIP"}}, True),
        ({"customer.tags": {"contains": "vip"}}, False),
        ({"currency": {"contains": "eu"}}, True),
        ({"id": {"contains": "7"}}, False),
        # one and the same element
        ({"line_items": {"any": {"sku": "B2", "price": {"gte": 0}}}}, True),
        ({"line_items": {"any": {"sku": "none of these", "price": {"gte": 0}}}}, False),
        ({"currency": {"any": {"sku": "B2"}}}, False),
        ({"customer": {"any": {"tags": {"contains": "VIP"}}}}, True),
        # names with dots of their own
        ({"utm.source": "newsletter"}, True),
        # null is not there
        ({"note": {"exists": True}}, False),
        ({"note": {"exists": False}}, True),
        ({"note": None}, True),
        ({"currency": None}, False),
        ({"missing.deeper": {"exists": False}}, True),
        ({"missing": {"in": ["a"]}}, False),
        ({"missing": {"not_in": ["a"]}}, True),
        ({"missing": {"gt": 0}}, False),
        ({"currency.deeper": "EUR"}, False),
    ],
)
def test_a_condition_holds_or_does_not(where, expected) -> None:
    """RM-20"""
    assert holds(where) is expected


@pytest.mark.parametrize(
    ("where", "field"),
    [
        ({"a": {"above": 5}}, "where.a.above"),
        ({"a": {}}, "where.a"),
        ({"a": {"in": "x"}}, "where.a.in"),
        ({"a": {"in": [{}]}}, "where.a.in[0]"),
        ({"a": {"exists": "yes"}}, "where.a.exists"),
        ({"a": {"gt": True}}, "where.a.gt"),
        ({"a": {"gt": None}}, "where.a.gt"),
        ({"a": ["x"]}, "where.a"),
        ({"a": {"any": {}}}, "where.a.any"),
        ({"a": {"any": ["x"]}}, "where.a.any"),
        ({"a": {"any": {"b": {"above": 1}}}}, "where.a.any.b.above"),
        ({"a": {"any": {"b": {"any": {"c": 1}}}}}, "where.a.any"),
        ({"a": {"said": "b"}}, "where.a.said"),
        ({"a": {"any": {"b": {"said": "c"}}}}, "where.a.any.b.said"),
        ({"": 1}, "where."),
        ({"a..b": 1}, "where.a..b"),
    ],
)
def test_a_wrong_condition_is_named_by_its_path(where, field) -> None:
    with pytest.raises(BadRequest) as caught:
        compile_where(where, "where")
    assert caught.value.field == field


def test_conditions_on_two_elements_are_not_met_by_two_in_any() -> None:
    two = {"variants": [{"id": 1, "stock": 0}, {"id": 2, "stock": 5}]}
    apart = compile_where({"variants.id": 1, "variants.stock": {"gt": 0}}, "where")
    together = compile_where({"variants": {"any": {"id": 1, "stock": {"gt": 0}}}}, "where")
    assert matches(apart, two) and not matches(together, two)
    assert "variants is" in (failing(together, two) or "")


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ({"variant": 2}, True),
        ({"variant": "2"}, True),
        ({"variant": " 2 "}, True),
        ({"variant": [1, 2]}, True),
        ({"variant": 1}, False),
        ({"variant": 3}, False),
        ({}, True),
        ({"variant": None}, True),
        ({"variant": ""}, True),
        ({"variant": {"id": 1}}, True),
    ],
)
def test_what_was_said_before_is_asked_for_where_it_was_said(before, expected) -> None:
    there = {"variants": [{"id": 1, "stock": 0}, {"id": 2, "stock": 5}]}
    where = compile_where(
        {"variants": {"any": {"id": {"said": "variant"}, "stock": {"gt": 0}}}}, "where", before=True
    )
    assert matches(bound(where, before), there) is expected


@pytest.mark.parametrize("path", ["", "a..b", 7, None])
def test_said_wants_a_path(path) -> None:
    with pytest.raises(BadRequest) as caught:
        compile_where({"a": {"said": path}}, "where", before=True)
    assert caught.value.field == "where.a.said"


huge = st.integers(10**400, 10**401)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | huge | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
plain = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
tests = (
    plain
    | st.fixed_dictionaries({"in": st.lists(plain, max_size=3)})
    | st.fixed_dictionaries({"gt": st.integers() | st.floats(allow_nan=False) | st.text()})
    | st.fixed_dictionaries({"contains": plain, "exists": st.booleans()})
)


@given(
    properties=st.dictionaries(st.sampled_from("ab"), json),
    test=tests,
    path=st.sampled_from(["a", "a.0.b", "b.a"]),
)
def test_no_properties_make_an_error(properties, test, path) -> None:
    where = compile_where({path: test}, "where")
    assert matches(where, properties) in (True, False)
    first(properties, path)


@given(
    value=plain.filter(lambda value: value is not None and value != ""), others=st.lists(plain, max_size=4)
)
def test_not_in_is_the_opposite_of_in(value, others) -> None:
    properties = {"a": value}
    assert holds({"a": {"in": others}}, properties) is not holds({"a": {"not_in": others}}, properties)
    assert holds({"a": {"in": [*others, value]}}, properties)
