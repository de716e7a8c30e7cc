"""Merge tags that nobody filled in, as the senders of the world write them."""

from __future__ import annotations

import time

import pytest

from heliograph.merge_tags import unfilled


@pytest.mark.parametrize(
    "value",
    [
        "{{ cake_preference }}",
        "{{person.first_name|default:'there'}}",
        "{{{name}}}",
        "{% if person.name %}",
        "*|CAKE|*",
        "*|IFNOT:CAKE|*",
        "%%cake%%",
        "%%=v(@cake)=%%",
        "%CAKE%",
        "%recipient.cake%",
        "[UNIQUE]",
        "[CONTACT-ID]",
        "[cake,fallback=none]",
        "[[cake]]",
        "[% cake %]",
        "${cake}",
        "$(cake)",
        "#{cake}",
        "##cake##",
        "<%= recipient.cake %>",
        "<<cake>>",
        "{cake}",
        "{!Contact.Cake__c}",
        " {{ cake }}\n",
        "{$email}",
        "{contactfield=id}",
        "$SUBSCRIBER.EMAIL$",
        "@EMAIL@",
        "~~eloqua..type--emailfield..syntax--recipientid..encodeFor--url~~",
        "MERGE_YOUR_VALUE",
        "REPLACE_WITH_YOUR_MERGE_TAG",
        "replace_with_your_merge_tag",
    ],
)
def test_a_placeholder_is_one_whoever_wrote_it(value: str) -> None:
    """PER-12, S0:L52, S2:L376."""
    assert unfilled(value)


@pytest.mark.parametrize(
    "value",
    [
        *(
            "",
            " ",
            "vanilla",
            "50%",
            "%20%",
            "[5]",
            "{5}",
            "$5",
            "#1",
            "<3",
            "a {{ b",
            "100% cotton, 20% off%",
        ),
        *("ann@x.example", "@ann", "@", "$5$", "~", "~~"),
        *("*", "{", "}}{{", "%", "[]", "c++", "C#", "[a", "merge your value"),
    ],
)
def test_a_value_is_none(value: str) -> None:
    assert not unfilled(value)


@pytest.mark.parametrize(
    "hostile", ["{{" * 50_000, "[" + "a " * 50_000, "%a" * 50_000, "<%" * 50_000, "*|" * 50_000]
)
def test_hostile_text_costs_no_time(hostile: str) -> None:
    started = time.process_time()
    unfilled(hostile)
    assert time.process_time() - started < 2
