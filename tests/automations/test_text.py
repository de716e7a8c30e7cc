"""Definitions as text: what YAML and JSON say, and in which line something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heliograph.errors import BadRequest, OperatorError
from heliograph.react.automations.definition import saving
from heliograph.react.automations.ready_made import file_of, load
from heliograph.react.automations.text import read

RIGHT = """name: cart
trigger:
  kind: cart.updated
  where:
    customer.tags: {contains: vip}
steps:
  - wait: {until: 10:00}
  - branch:
      if: {person.country: DE}
      then:
        - send: {template: german}
  - send:
      template: cart
"""


def refused(text: str) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        saving(text, by="test")
    return caught.value


@pytest.mark.parametrize(
    ("right", "wrong", "field", "place"),
    [
        ("kind: cart.updated", "kind: cart.update", "trigger.kind", "line 3, column 3"),
        ("  where:", "  wher:", "trigger.wher", "line 4, column 3"),
        ("{contains: vip}", "{has: vip}", "trigger.where.customer.tags.has", "line 5, column 5"),
        ("10:00", "25:00", "steps[0].wait.until", "line 7, column 12"),
        ("person.country", "persn.country", "steps[1].branch.if.persn.country", "line 9, column 12"),
        ("- send: {template: german}", "- sned: {}", "steps[1].branch.then[0].sned", "line 11, column 11"),
        ("      template: cart\n", "      tmplate: cart\n", "steps[2].send.tmplate", "line 13, column 7"),
        ("name: cart\n", "", "name", "line 1, column 1"),
    ],
)
def test_what_is_wrong_is_named_by_path_and_line(right, wrong, field, place) -> None:
    error = refused(RIGHT.replace(right, wrong))
    assert error.field == field
    assert error.message.endswith(f"({place})")


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [("kind: cart.update", "cart.updated"), ("kind: cart.updated\n  wher: {}", "where")],
)
def test_the_word_that_was_meant_is_named(wrong, meant) -> None:
    assert f"perhaps {meant} is meant" in refused(RIGHT.replace("kind: cart.updated", wrong)).message


def test_a_time_is_a_time_and_a_date_a_text_without_quotes() -> None:
    said = read("a: 10:00\nb: 2026-01-31\nc: 12\nd: 1.5\ne: -3\nf: 1e3\ng: true\nh: null\ni: 007")
    assert said == {
        "a": "10:00", "b": "2026-01-31", "c": 12, "d": 1.5, "e": -3, "f": 1000.0, "g": True, "h": None, "i": "007",
    }  # fmt: skip


def test_json_is_read_too_by_tabs_indented() -> None:
    text = json.dumps({"name": "x", "steps": [{"wait": "1h"}]}, indent="\t")
    assert read(text) == {"name": "x", "steps": [{"wait": "1h"}]}
    whole = {"name": "x", "trigger": {"kind": "order.created"}, "steps": [{"send": {"template": 7}}]}
    assert "line 9, column 5" in refused(json.dumps(whole, indent="\t")).message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("name: x\nname: y", "'name' is there twice (line 2, column 1)"),
        ("name: x\n\tb: 1", "line 2, column 1"),
        ("name: [", "line 1"),
        ("- 1", "an object"),
        ("", "an object"),
        ("a: &a [*a]", "values at most"),
        ("{? [1]: 2}", "cannot be read"),
        ("a: !!python/object:os.system {}", "line 1, column 4"),
        ("\0", "cannot be read"),
    ],
)
def test_what_is_no_definition_is_refused_with_its_line(text, says) -> None:
    with pytest.raises(BadRequest) as caught:
        read(text)
    assert says in caught.value.message


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    """The "billion laughs": nine lines that say a billion values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    with pytest.raises(BadRequest, match="values at most"):
        read("\n".join(lines))


def test_the_error_of_a_file_names_file_path_and_line(tmp_path: Path) -> None:
    file = tmp_path / "cart.yaml"
    file.write_text(RIGHT.replace("10:00", "noon"))
    with pytest.raises(OperatorError, match=r"cart\.yaml: steps\[0\]\.wait\.until: .*\(line 7, column 12\)"):
        load(file)


def test_a_file_with_its_templates_brings_them(tmp_path: Path) -> None:
    """What `automations ready show` prints can be changed and applied."""
    shown = file_of("abandoned-cart").read_text()
    (tmp_path / "mine.yaml").write_text(shown.replace("wait: 1h", "wait: 2h"))
    saved, templates = load(tmp_path / "mine.yaml")
    assert (saved.name, saved.definition["steps"][0]) == ("abandoned-cart", {"wait": "2h"})
    assert set(templates) == {"abandoned-cart-1", "abandoned-cart-2"}
    for right, wrong, says in (
        ("wait: 1h", "wait: soon", r"automation\.steps\[0\]\.wait: .*\(line 10, column 7\)"),
        ("about:", "abut:", r"abut: There is no 'abut' here"),
        ("subject:", "subject: 7 #", r"templates.*Expected `str`"),
    ):
        (tmp_path / "mine.yaml").write_text(shown.replace(right, wrong))
        with pytest.raises(OperatorError, match=r"mine\.yaml: " + says):
            load(tmp_path / "mine.yaml")
