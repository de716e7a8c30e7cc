"""Conditional images: eight operators, the first rule that matches, and one answer for the picture and the click."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.outbound.images.conditions import OPERATORS, Rule, choose

S2_RULES = (
    Rule(
        operator="equals",
        value="Vanilla",
        image_url="https://x/vanilla.svg",
        click_url="http://example.com/vanilla",
    ),
    Rule(
        operator="equals",
        value="Chocolate",
        image_url="https://x/chocolate.svg",
        click_url="http://example.com/choc",
    ),
)


def matches(operator: str, value: str | tuple[str, ...], said: str | None) -> bool:
    return choose((Rule(operator=operator, value=value, image_url="https://x/"),), said) is not None


def test_the_operators_are_those_of_the_document_in_its_order() -> None:
    """S2:L594."""
    said = '["equals", "does not equal", "contains", "does not contain", "empty", "is not empty", "is in", "is not in"]'
    assert list(OPERATORS) == [name.strip('"') for name in said.strip("[]").split(", ")]


def test_the_documents_own_example_matches_whatever_the_case() -> None:
    """PER-12: S2's merge tag `vanilla` meets the rule's `Vanilla`."""
    assert choose(S2_RULES, "vanilla") is S2_RULES[0]
    assert choose(S2_RULES, " CHOCOLATE ") is S2_RULES[1]
    assert choose(S2_RULES, "strawberry") is None


@pytest.mark.parametrize(
    ("operator", "value", "said", "expected"),
    [
        ("equals", "swiss", "Swiss", True),
        ("equals", "swiss", "swiss cheese", False),
        ("equals", "Straße", "STRASSE", True),
        ("equals", "é", "e\u0301", True),
        ("equals", "İstanbul", "i\u0307stanbul", True),
        ("equals", "\u03b1\u0345\u0301", "\u03ac\u0345", True),
        ("equals", " gold\u00a0", "gold", True),
        ("equals", "", None, True),
        ("equals", "10", "10.0", False),
        ("does not equal", "swiss", "cheddar", True),
        ("does not equal", "swiss", "SWISS ", False),
        ("does not equal", "swiss", None, True),
        ("contains", "Red", "infrared", True),
        ("contains", "red", "green", False),
        ("contains", "", "anything", False),
        ("contains", "a", None, False),
        ("does not contain", "red", "green", True),
        ("does not contain", "red", "RED", False),
        ("empty", "", None, True),
        ("empty", "", "", True),
        ("empty", "", " \t\u00a0", True),
        ("empty", "", "REPLACE_WITH_YOUR_MERGE_TAG", True),
        ("empty", "", "{{ cheese }}", True),
        ("empty", "", "*|CHEESE|*", True),
        ("empty", "", "0", False),
        ("empty", "ignored", "x", False),
        ("is not empty", "", "x", True),
        ("is not empty", "", "%%cheese%%", False),
        ("is in", "swiss, cheddar ,brie", "BRIE", True),
        ("is in", ("swiss", "cheddar, aged"), "Cheddar, aged", True),
        ("is in", "swiss,cheddar", "chedd", False),
        ("is in", "swiss,,cheddar", "", False),
        ("is in", "", "", False),
        ("is not in", "swiss,cheddar", "brie", True),
        ("is not in", ("swiss", "Brie"), "brie", False),
        ("is not in", "swiss", None, True),
    ],
)
def test_an_operator_compares_as_the_document_says(
    operator: str, value: str | tuple[str, ...], said: str | None, expected: bool
) -> None:
    """PER-12."""
    assert matches(operator, value, said) is expected


def test_the_first_rule_that_matches_wins() -> None:
    """PER-12."""
    rules = (
        Rule(operator="contains", value="gold", image_url="https://x/1"),
        Rule(operator="equals", value="gold", image_url="https://x/2"),
        Rule(operator="is not empty", image_url="https://x/3"),
    )
    assert choose(rules, "gold") is rules[0]
    assert choose(rules[1:], "gold") is rules[1]
    assert choose(rules, "silver") is rules[2]
    assert choose(rules, None) is None
    assert choose((), "gold") is None


WORDS = st.one_of(
    st.none(),
    st.text(max_size=8),
    st.sampled_from(["", "a", "A", " a ", "ß", "SS", "a,b", "{{ a }}", "é", "e\u0301", "İ", "ǰ", "ΐ"]),
)
VALUES = st.one_of(
    st.text(max_size=8),
    st.lists(st.text(max_size=5), max_size=4).map(tuple),
    st.sampled_from(["", "a", "a,b", "ss", "É", ",", ("a", "b"), ("",)]),
)
RULES = st.lists(
    st.builds(Rule, operator=st.sampled_from(list(OPERATORS)), value=VALUES, image_url=st.uuids().map(str)),
    max_size=6,
).map(tuple)


@settings(deadline=None)
@given(rules=RULES, said=WORDS)
def test_picture_and_click_agree_whoever_asks_first_and_however_it_is_written(
    rules: tuple[Rule, ...], said: str | None
) -> None:
    """PER-12: two doors, asked separately, with rules that were read separately, get the same rule."""
    seen = choose(rules, said)
    clicked = choose(
        tuple(Rule(operator=r.operator, value=r.value, image_url=r.image_url) for r in rules), said
    )
    assert clicked == seen
    if said is not None:
        assert choose(rules, f"  {said}\n") == seen


@settings(deadline=None)
@given(value=VALUES, said=WORDS)
def test_each_second_operator_is_the_opposite_of_the_first(
    value: str | tuple[str, ...], said: str | None
) -> None:
    names = list(OPERATORS)
    for yes, no in zip(names[::2], names[1::2], strict=True):
        assert matches(yes, value, said) is not matches(no, value, said)


@settings(deadline=None)
@given(said=st.text(max_size=10))
def test_what_is_said_equals_itself_in_any_case(said: str) -> None:
    assert matches("equals", said, said) or matches("empty", "", said)
    for other in (said.upper(), said.lower(), said.casefold()):
        if not matches("empty", "", said) and not matches("empty", "", other):
            assert matches("equals", said, other) or said.casefold() != other.casefold()
