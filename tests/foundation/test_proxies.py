"""Whose address a request has."""

from __future__ import annotations

import pytest

from heliograph.errors import OperatorError
from heliograph.web.proxies import trusting


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.7", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, nonsense, 10.0.0.7", "10.0.0.7"),
        ("::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_a_listed_proxy_is_believed_and_only_its_own_word(
    peer: str, forwarded: str, caller: str
) -> None:
    assert trusting(("10.0.0.0/8", "::1/128"))(peer, forwarded) == caller


def test_nobody_is_believed_by_default() -> None:
    assert trusting(())("127.0.0.1", "6.6.6.6") == "127.0.0.1"


def test_a_wrong_network_is_refused_by_name() -> None:
    with pytest.raises(OperatorError, match="trusted_proxies"):
        trusting(("10.0.0.0/99",))
