"""Which published range an address is in."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.errors import OperatorError
from heliograph.readers import load
from heliograph.readers.networks import Networks, builtin
from heliograph.settings import Settings

NETWORKS = Networks(builtin())
CIDRS = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: str(ip_network(f"{pair[0]}/{pair[1]}", strict=False)))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("104.28.29.5", "apple-relay"),
        ("146.75.132.68", "apple-relay"),
        ("2a04:4e41:1841::7", "apple-relay"),
        ("2a09:bac3:5000::1", "apple-relay"),
        ("66.249.84.1", "google"),
        ("::ffff:66.249.84.1", "google"),
        ("66.102.8.99", "google"),
        ("217.69.136.1", "mailru"),
        ("209.222.82.0", "barracuda"),
        ("40.107.1.2", "microsoft-mail"),
        ("34.64.4.10", ""),  # Google Cloud: anybody
        ("203.0.113.9", ""),
        ("fe80::1%eth0", ""),
        ("", ""),
        ("unix:", ""),
        ("1.2.3", ""),
    ],
)
def test_an_address_is_in_the_range_that_its_owner_publishes(address: str, name: str) -> None:
    assert NETWORKS.of(address) == name


@given(st.lists(CIDRS, min_size=1, max_size=8), st.ip_addresses())
def test_what_is_in_a_range_agrees_with_the_standard_library(cidrs: list[str], address) -> None:
    found = Networks({"x": cidrs}).of(str(address))
    mapped = getattr(address, "ipv4_mapped", None) or address
    assert (found == "x") == any(mapped in undressed(cidr) for cidr in cidrs)


def undressed(cidr: str):
    """A range of mapped addresses is a range of IPv4; one that is wider than all of them holds none of IPv4's own."""
    network = ip_network(cidr)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    return (
        network if mapped is None or network.prefixlen < 96 else ip_network((mapped, network.prefixlen - 96))
    )


@pytest.mark.parametrize(
    ("cidr", "address", "name"),
    [
        ("::ffff:0:0/96", "0.0.0.0", "x"),
        ("::ffff:192.0.2.0/120", "192.0.2.77", "x"),
        ("::ffff:192.0.2.0/120", "192.0.3.77", ""),
        ("::/64", "192.0.2.77", ""),
        ("::fffe:0:0/95", "192.0.2.77", ""),
        ("::fffe:0:0/95", "::fffe:1:2", "x"),
    ],
)
def test_a_range_of_mapped_addresses_is_one_of_ipv4(cidr: str, address: str, name: str) -> None:
    assert Networks({"x": [cidr]}).of(address) == name


@given(CIDRS)
def test_both_ends_of_a_range_are_in_it(cidr: str) -> None:
    network = ip_network(cidr)
    if network.version == 6 and ip_address("::ffff:0:0") in network:
        return
    networks = Networks({"x": [cidr]})
    assert networks.of(str(network[0])) == networks.of(str(network[-1])) == "x"


def test_the_first_of_two_ranges_counts() -> None:
    networks = Networks({"office": ["17.1.0.0/16"], "apple": ["17.0.0.0/8"]})
    assert (networks.of("17.1.2.3"), networks.of("17.2.2.3")) == ("office", "apple")


def test_apples_list_as_it_is_published_takes_the_place_of_ours(tmp_path: Path) -> None:
    (tmp_path / "apple-relay.csv").write_text(
        "203.0.113.0/31,US,US-CA,Los Angeles,\n2001:db8:0:4000::/64,DE,DE-BE,Berlin,\n"
    )
    readers = load(Settings(reader_networks=str(tmp_path)))
    assert readers.network("203.0.113.1") == readers.network("2001:db8:0:4000::9") == "apple-relay"
    assert readers.network("104.28.29.5") == ""
    assert readers.network("66.249.84.1") == "google"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("10.0.0.0/33\n", "line 1: '10.0.0.0/33'"),
        ("# x\nhello\n", "line 2: 'hello'"),
        ("# only\n", "names no range"),
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "office.txt").write_text(text)
    with pytest.raises(OperatorError, match=why):
        load(Settings(reader_networks=str(tmp_path)))


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no directory"):
        load(Settings(reader_networks=str(tmp_path / "nowhere")))
