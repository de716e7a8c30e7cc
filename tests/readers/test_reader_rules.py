"""Every rule's own examples, and what is said of a file that is wrong."""

from __future__ import annotations

import pytest

from heliograph.readers import Readers, Visit
from heliograph.readers.networks import builtin as builtin_networks
from heliograph.readers.rules import ClientRule, Example, ReaderRule, builtin, names_of_networks, parse

RULES = builtin()
READERS = Readers(RULES)


def named(rules: tuple[ReaderRule | ClientRule, ...], which: str) -> list[object]:
    return [
        pytest.param(rule, example, id=f"{rule.name}-{number}")
        for rule in rules
        for number, example in enumerate(getattr(rule, which))
    ]


@pytest.mark.parametrize(("rule", "example"), named(RULES.readers, "examples"))
def test_a_rules_example_is_decided_by_that_rule(rule: ReaderRule, example: Example) -> None:
    judged = READERS.judge(Visit(**example))
    assert (judged.rule, judged.reader, judged.reliable) == (rule.name, rule.reader, rule.reliable)


@pytest.mark.parametrize(("rule", "example"), named(RULES.readers, "counterexamples"))
def test_a_rules_counterexample_is_decided_by_another(rule: ReaderRule, example: Example) -> None:
    assert READERS.judge(Visit(**example)).rule != rule.name


@pytest.mark.parametrize(("rule", "example"), named(RULES.clients, "examples"))
def test_a_clients_example_is_that_client(rule: ClientRule, example: Example) -> None:
    """wire-facts 2.3 and 9.5"""
    visit = {name: value for name, value in example.items() if name != "is"}
    judged = READERS.judge(Visit(**visit))
    shown = (judged.mail_client, judged.mail_client_specific, judged.rendering_engine, judged.platform)
    assert "|".join(shown) == example["is"]


@pytest.mark.parametrize(("rule", "example"), named(RULES.clients, "counterexamples"))
def test_a_clients_counterexample_is_another(rule: ClientRule, example: Example) -> None:
    assert READERS.judge(Visit(**example)).mail_client != rule.client.mail_client


def test_every_rule_has_an_example_and_a_name_of_its_own() -> None:
    for rules in RULES:
        names = [rule.name for rule in rules]
        assert len(names) == len(set(names))
        assert [rule.name for rule in rules if not rule.examples] == []


def test_every_network_of_a_rule_is_named() -> None:
    assert set(names_of_networks(RULES)) <= set(builtin_networks())


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ('[[reader]]\nreader = "bot"\nsays = "x"', "every rule has a name"),
        ('[[reader]]\nname = "odd"\nreader = "robot"\nsays = "x"', "'odd': reader is one of human"),
        ('[[reader]]\nname = "odd"\nreader = "bot"', "'odd': says tells"),
        ('[[reader]]\nname = "odd"\nreader = "bot"\nsays = "x"\nagents = ["x"]', "unknown field: agents"),
        ('[[reader]]\nname = "odd"\nreader = "bot"\nsays = "x"\nagent = ["("]', "'odd', agent: missing"),
        ('[[reader]]\nname = "odd"\nreader = "bot"\nsays = "x"\nagent = "x"', "agent is a list"),
        ('[[reader]]\nname = "odd"\nreader = "bot"\nsays = "x"\nkinds = ["tap"]', "no kind of visit 'tap'"),
        ('[[reader]]\nname = "odd"\nreader = "bot"\nsays = "x"\nwithin = "1s"', "within is a number"),
        ('[[client]]\nname = "odd"\nagent = ["x"]\nengine = "Gecko"', "'odd': engine is one of Webkit"),
        ('[[client]]\nname = "odd"\nagent = ["x"]\nplatform = "phone"', "'odd': platform is one of desktop"),
        ('[[rule]]\nname = "odd"', "no 'rule'"),
        ("[[reader", "Expected"),
    ],
)
def test_a_rule_that_is_wrong_is_refused_by_name(source: str, why: str) -> None:
    with pytest.raises(ValueError, match=why.replace("(", r"\(").replace("[", r"\[")):
        parse(source)
