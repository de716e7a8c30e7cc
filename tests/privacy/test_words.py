"""By which words somebody is recognised in what others said, and what takes their place."""

from __future__ import annotations

import json

import pytest

from heliograph.journal.consumer import Erased
from heliograph.privacy.words import Mask, pseudonym

ANN = Erased("000000000001", "p1", ("person:p1", "email:ann@x.example", "phone:+4930123456", "customer:7"))
GONE = pseudonym("p1")


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("ann@x.example", GONE),
        ("to Ann@X.EXAMPLE, please", f"to {GONE}, please"),
        ("<ann@x.example>", f"<{GONE}>"),
        ("write to ann@x.example.", f"write to {GONE}."),
        ("?e=ann%40x.example&n=1", f"?e={GONE}&n=1"),
        ("?u=%3Fe%3Dann%40x.example", f"?u=%3Fe%3D{GONE}"),
        ("call +4930123456!", f"call {GONE}!"),
        ("?p=%2B4930123456", f"?p={GONE}"),
        ("joann@x.example", "joann@x.example"),
        ("jo.ann@x.example", "jo.ann@x.example"),
        ("ann@x.example.org", "ann@x.example.org"),
        ("ann@x.examples", "ann@x.examples"),
        ("+49301234567", "+49301234567"),
        ("customer 7", "customer 7"),
    ],
)
def test_whole_addresses_and_phones_go_and_nothing_else(said: str, left: str) -> None:
    """STD-7: an address within another one is somebody else's."""
    mask = Mask(ANN)
    assert mask.text(said) == left
    assert mask.data(said.encode()) == left.encode()


def test_an_international_address_is_found_in_every_way_of_writing_it() -> None:
    """STD-7: in letters, in ASCII, escaped as PHP does; the JSON stays JSON."""
    mask = Mask(Erased("000000000001", "p1", ("email:ann@xn--bcher-kva.example",)))
    for address in ("ann@bücher.example", "ann@xn--bcher-kva.example", "ANN@bücher.example"):
        for body in (json.dumps({"to": address}), json.dumps({"to": address}, ensure_ascii=False)):
            assert json.loads(mask.data(body.encode())) == {"to": GONE}, body


def test_where_case_counts_another_case_is_somebody_else() -> None:
    whom = Erased("000000000001", "p1", ("email:Ann@x.example",), keep_case=True)
    assert Mask(whom).text("Ann@X.example ann@x.example") == f"{GONE} ann@x.example"


def test_whoever_has_no_address_is_looked_for_nowhere() -> None:
    mask = Mask(Erased("000000000001", "p1", ("person:p1", "customer:7")))
    assert mask.words == ()
    assert mask.text("p1 7") == "p1 7"
