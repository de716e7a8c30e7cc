"""When two records are one person, and when they are not (RM-9)."""

from __future__ import annotations

import pytest

from heliograph.react.identities import reason
from heliograph.react.state.people import Person


def person(**known: str) -> Person:
    told = {name: known.get(name) for name in ("email", "customer_id", "phone")}
    return Person(
        id="p",
        first_name=None,
        last_name=None,
        gender=None,
        accepts_marketing=None,
        tags=(),
        document={},
        deleted=False,
        **told,
    )


@pytest.mark.parametrize(
    ("one", "other", "kind", "merged"),
    [
        ({"customer_id": "1"}, {}, "email", True),
        ({"customer_id": "1"}, {"phone": "+4930"}, "email", True),
        ({"customer_id": "1"}, {"customer_id": "2"}, "email", False),
        ({"email": "a@x.example"}, {}, "email", False),
        ({"customer_id": "1"}, {}, "phone", True),
        ({"customer_id": "1"}, {"email": "b@x.example"}, "phone", False),
        ({"customer_id": "1"}, {"customer_id": "2"}, "phone", False),
        ({"customer_id": "1"}, {}, "device", False),
    ],
)
def test_only_the_shops_own_number_vouches_and_nobody_with_another_is_the_same(
    one: dict[str, str], other: dict[str, str], kind: str, merged: bool
) -> None:
    assert (reason(person(**one), person(**other), kind) is not None) is merged
