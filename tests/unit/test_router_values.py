"""Keys and values of Logical_Router's columns: what they mean, and what is refused."""

import contextlib
import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.addresses import Invalid, ip_text
from vtep_ofapp.values.routers import (
    Prefix,
    derived_mac,
    link_local_of,
    parse_destination,
    parse_interface,
    parse_next_hop,
    parse_router_mac,
    prefix_of,
)

ADDRESSES = st.ip_addresses()


# Prefixes


@given(ADDRESSES, st.data())
def test_a_prefix_is_what_the_library_makes_of_it(
    address: IPv4Address | IPv6Address, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, address.max_prefixlen))
    other = data.draw(ADDRESSES)
    prefix = prefix_of(ip_text(int(address), address.version == 6), length)
    network = ipaddress.ip_network(f"{address}/{length}", strict=False)
    assert ipaddress.ip_network(str(prefix)) == network
    assert prefix.is_ipv6 == (network.version == 6)
    assert prefix.is_host == (length == address.max_prefixlen)
    assert prefix.has(ip_text(int(other), other.version == 6)) == (other in network)
    assert prefix.has(ip_text(int(address), address.version == 6))


def test_the_ends_of_a_subnet_are_no_hosts() -> None:
    assert Prefix("192.168.1.0", 24).ends() == ("192.168.1.0", "192.168.1.255")
    assert Prefix("192.168.1.4", 30).ends() == ("192.168.1.4", "192.168.1.7")
    for no_ends in (Prefix("10.0.0.0", 31), Prefix("10.0.0.1", 32), Prefix("2001:db8::", 64)):
        assert no_ends.ends() == ()


# The MAC of a router


def test_the_mac_of_a_router_is_made_of_its_name() -> None:
    assert derived_mac("r1") == "02:76:1d:35:ce:33"
    assert parse_router_mac("r1", {}) == "02:76:1d:35:ce:33"
    assert derived_mac("\udcff").startswith("02:76:")


def test_router_mac_is_the_mac_if_it_is_that_of_one_station() -> None:
    assert parse_router_mac("r1", {"router_mac": "00:00:5E:00:01:01"}) == "00:00:5e:00:01:01"
    for bad in ("", "1", "01:00:5e:00:00:01", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00"):
        with pytest.raises(Invalid):
            parse_router_mac("r1", {"router_mac": bad})


def test_the_link_local_address_is_made_of_the_mac() -> None:
    assert link_local_of("02:76:1d:35:ce:33") == "fe80::76:1dff:fe35:ce33"
    assert link_local_of("00:00:5e:00:01:01") == "fe80::200:5eff:fe00:101"


# switch_binding


@pytest.mark.parametrize(
    ("text", "ip", "subnet", "is_connected"),
    [
        ("192.168.1.1/24", "192.168.1.1", "192.168.1.0/24", True),
        ("192.168.1.0/24", "", "192.168.1.0/24", True),
        ("10.0.0.0/31", "10.0.0.0", "10.0.0.0/31", True),
        ("10.0.0.1/31", "10.0.0.1", "10.0.0.0/31", True),
        ("10.0.0.0/32", "10.0.0.0", "10.0.0.0/32", False),
        ("2001:DB8:1::1/64", "2001:db8:1::1", "2001:db8:1::/64", True),
        ("2001:db8:1::/64", "", "2001:db8:1::/64", True),
        ("2001:db8::/127", "2001:db8::", "2001:db8::/127", True),
        ("2001:db8::1/128", "2001:db8::1", "2001:db8::1/128", False),
        ("fe80::1/64", "fe80::1", "fe80::/64", False),
        ("128.0.0.1/1", "128.0.0.1", "128.0.0.0/1", True),
    ],
)
def test_a_key_is_an_address_in_a_subnet(
    text: str, ip: str, subnet: str, is_connected: bool
) -> None:
    found = parse_interface(text)
    assert (found.ip, str(found.subnet), found.is_connected) == (ip, subnet, is_connected)
    assert str(found) == text.lower()
    assert parse_interface(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        "192.168.9.1", "192.168.1.1/", "192.168.1.1/33", "192.168.1.1/-1", "192.168.1.1/2 ",
        "192.168.1.1/255.255.255.0", "2001:db8::1/129", "/24", "", "r1/24", "fe80::1%eth0/64",
        "192.168.1.1/24/24", "192.168.1.1/0", "::/0", "0.0.0.0/8", "0.1.2.3/8", "127.0.0.1/8",
        "224.0.0.1/24", "240.0.0.1/8", "255.255.255.255/32", "::1/128", "::/64", "ff02::1/64",
        "fe80::/64", "192.168.1.255/24", "192.168.1.1/\u0662", "192.168.1.1/" + "2" * 5000,
    ],
)  # fmt: skip
def test_a_key_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_interface(text)


@given(st.text())
def test_no_text_is_a_surprise(text: str) -> None:
    for parse in (parse_interface, parse_destination):
        for each in (text, f"{text}/24", f"10.0.0.1/{text}"):
            with contextlib.suppress(Invalid):
                parse(each)


# static_routes


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.0.0/8", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("1.2.3.4/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("10.9.9.9/32", "10.9.9.9/32"),
        ("0.0.0.0/1", "0.0.0.0/1"),
        ("2001:db8::1/128", "2001:db8::1/128"),
    ],
)
def test_a_destination_is_a_prefix(text: str, prefix: str) -> None:
    assert str(parse_destination(text)) == prefix


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/33", "10.0.0.0", "fe80::1", "fe80::/10", "fe80::1/128", "0.0.0.0/8", "a/8",
        "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4", "169.254.1.0/24", "ff00::/8", "::1/128",
        "::/128",
    ],
)  # fmt: skip
def test_a_destination_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_destination(text)


def test_a_next_hop_is_one_host_of_the_same_family() -> None:
    here, there = Prefix("10.0.0.0", 8), Prefix("2001:db8:9::", 48)
    assert parse_next_hop("192.168.2.50", here) == "192.168.2.50"
    assert parse_next_hop("2001:DB8::5", there) == "2001:db8::5"
    for text, destination in (
        ("2001:db8::5", here),
        ("192.168.2.50", there),
        ("fe80::1", there),
        ("224.0.0.1", here),
        ("127.0.0.1", here),
        ("192.168.2.50/24", here),
        ("", here),
    ):
        with pytest.raises(Invalid):
            parse_next_hop(text, destination)
