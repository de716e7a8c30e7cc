"""Which addresses may be connected to: every spelling of every place that must not be called."""

from __future__ import annotations

import pytest

from heliograph.egress import Guard
from heliograph.errors import OperatorError

REFUSED = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.7",
    "203.0.113.9",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456:789a::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]

METADATA = [
    "169.254.169.254",
    "169.254.170.2",
    "169.254.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "fd00:ec2::254",
    "fd00:ec2::23",
    "fd20:ce::254",
    "fe80::1",
    "fe80::1%eth0",
    "febf::1",
    "::ffff:169.254.169.254",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::6464:64c8",
    "2002:a9fe:a9fe::1",
    "2001:0:a9fe:a9fe::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "223.255.255.255",
    "::ffff:8.8.8.8",
    "2001:4860:4860::8888",
    "2606:4700:4700::1111",
    "2a00:1450:4001:830::200e",
]


@pytest.mark.parametrize("address", [*REFUSED, *METADATA])
def test_what_is_not_public_is_refused_unless_allowed(address: str) -> None:
    assert Guard().refusal(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_public_may_be_called(address: str) -> None:
    assert Guard().refusal(address) is None


@pytest.mark.parametrize("address", METADATA)
def test_metadata_and_link_local_are_never_called_whatever_is_allowed(address: str) -> None:
    reason = Guard(("0.0.0.0/0", "::/0", "169.254.169.254/32", "fe80::/10")).refusal(address)
    assert reason and "never" in reason


@pytest.mark.parametrize("address", REFUSED)
def test_an_operator_can_allow_everything_else(address: str) -> None:
    assert Guard(("0.0.0.0/0", "::/0")).refusal(address) is None


def test_what_is_allowed_is_allowed_by_cidr_alone() -> None:
    guard = Guard(("10.1.0.0/16", "::1/128"))
    assert guard.refusal("10.1.2.3") is None
    assert guard.refusal("::ffff:10.1.2.3") is None
    assert guard.refusal("::1") is None
    assert guard.refusal("10.2.0.1")
    assert guard.refusal("127.0.0.1")


def test_a_tunnel_must_be_allowed_together_with_what_it_leads_to() -> None:
    assert Guard(("64:ff9b::/96",)).refusal("64:ff9b::808:808") is None
    assert Guard(("64:ff9b::/96",)).refusal("64:ff9b::a00:1")
    assert Guard(("10.0.0.0/8",)).refusal("64:ff9b::a00:1")
    assert Guard(("64:ff9b::/96", "10.0.0.0/8")).refusal("64:ff9b::a00:1") is None


def test_the_reason_says_what_would_help() -> None:
    reason = Guard().refusal("192.168.1.5")
    assert reason and "private" in reason and "egress_allow" in reason


@pytest.mark.parametrize("address", ["", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_what_is_no_address_in_its_plain_form_is_refused(address: str) -> None:
    assert Guard(("0.0.0.0/0", "::/0")).refusal(address)


@pytest.mark.parametrize("cidr", ["10.0.0.1/8", "everything", "300.0.0.0/8", "10.0.0.0/33"])
def test_a_wrong_cidr_stops_the_start_and_names_the_setting(cidr: str) -> None:
    with pytest.raises(OperatorError, match="egress_allow"):
        Guard((cidr,))
