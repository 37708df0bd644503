"""What may come in from the databases, and how it is refused."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtep_ofapp.values.addresses import (
    Invalid,
    ip_number,
    ip_order,
    ip_text,
    is_group,
    is_station,
    parse_group_mac,
    parse_ipv4,
    parse_mac,
    parse_unicast_mac,
    parse_vlan,
    parse_vni,
)

MACS = st.binary(min_size=6, max_size=6).map(lambda octets: octets.hex(":"))


# MAC addresses


@given(MACS)
def test_a_mac_address_is_its_own_canonical_form(mac: str) -> None:
    assert parse_mac(mac) == mac


@given(MACS)
def test_a_mac_address_in_capitals_is_written_small(mac: str) -> None:
    assert parse_mac(mac.upper()) == mac


@pytest.mark.parametrize(
    "text",
    [
        "",
        "unknown-dst",
        "02:00:00:00:00",
        "02:00:00:00:00:01:02",
        "2:0:0:0:0:1",
        "02-00-00-00-00-01",
        "0200.0000.0001",
        "020000000001",
        "02:00:00:00:00:0g",
        " 02:00:00:00:00:01",
        "02:00:00:00:00:01\n",
        "02:00:00:00:00:0\u0661",
        "02:00:00:00:00:01/ff:ff:ff:ff:ff:ff",
    ],
)
def test_what_is_no_mac_address_is_refused_and_named(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_mac(text)
    assert repr(text) in str(refusal.value)
    assert "MAC" in str(refusal.value)


@given(st.text(max_size=20))
def test_any_text_is_a_mac_address_or_refused(text: str) -> None:
    try:
        mac = parse_mac(text)
    except Invalid:
        return
    assert mac == text.lower()
    assert len(bytes.fromhex(mac.replace(":", ""))) == 6


@given(MACS)
def test_every_mac_address_is_a_station_a_group_or_zero(mac: str) -> None:
    is_zero = mac == "00:00:00:00:00:00"
    assert is_station(mac) + is_group(mac) + is_zero == 1


@given(MACS)
def test_a_group_address_has_the_lowest_bit_of_its_first_octet(mac: str) -> None:
    assert is_group(mac) == bool(bytes.fromhex(mac[:2])[0] & 1)


@given(MACS)
def test_a_unicast_row_holds_a_station(mac: str) -> None:
    if is_station(mac):
        assert parse_unicast_mac(mac.upper()) == mac
    else:
        with pytest.raises(Invalid, match=mac):
            parse_unicast_mac(mac.upper())


@given(MACS)
def test_a_multicast_row_holds_a_group(mac: str) -> None:
    if is_group(mac):
        assert parse_group_mac(mac.upper()) == mac
    else:
        with pytest.raises(Invalid, match=mac):
            parse_group_mac(mac.upper())


def test_a_multicast_row_may_hold_the_keyword_for_everything_else() -> None:
    assert parse_group_mac("unknown-dst") == "unknown-dst"


@pytest.mark.parametrize("text", ["UNKNOWN-DST", "unknown_dst", "unknown-dst ", ""])
def test_the_keyword_has_one_spelling(text: str) -> None:
    with pytest.raises(Invalid, match="MAC"):
        parse_group_mac(text)


# IPv4 addresses


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_one_host_or_refused(address: IPv4Address) -> None:
    text = str(address)
    no_host = address.is_multicast or address.is_unspecified or text == "255.255.255.255"
    if no_host:
        with pytest.raises(Invalid, match=text):
            parse_ipv4(text)
    else:
        assert parse_ipv4(text) == text


@given(st.ip_addresses())
def test_an_address_is_its_number(address: IPv4Address | IPv6Address) -> None:
    text = ip_text(int(address), is_ipv6=address.version == 6)
    assert ip_number(text) == int(address) == int(ipaddress.ip_address(text))


@given(st.ip_addresses(v=6))
def test_an_ipv6_address_is_refused_for_what_it_is(address: IPv6Address) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_ipv4(str(address))
    assert str(address) in str(refusal.value)
    assert "IPv6" in str(refusal.value)


@pytest.mark.parametrize(
    "text",
    ["", "10.0.0", "10.0.0.256", "10.0.0.1/32", "10.0.0.01", " 10.0.0.1", "host", "10.0.0.1:80"],
)
def test_what_is_no_address_is_refused_and_named(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_ipv4(text)
    assert repr(text) in str(refusal.value)


@given(st.text(max_size=20))
def test_any_text_is_an_ipv4_address_or_refused(text: str) -> None:
    try:
        address = parse_ipv4(text)
    except Invalid:
        return
    assert str(ipaddress.IPv4Address(address)) == address


# Keys and VLANs


@given(st.integers())
def test_a_tunnel_key_is_a_vni_none_yet_or_refused(key: int) -> None:
    if key == 0:
        assert parse_vni(key) is None
    elif 1 <= key <= 16777215:
        assert parse_vni(key) == key
    else:
        with pytest.raises(Invalid, match=f"{key} .*0 to 16777215"):
            parse_vni(key)


@pytest.mark.parametrize("key", [1, 16777215])
def test_the_outermost_vnis_are_good(key: int) -> None:
    assert parse_vni(key) == key


@pytest.mark.parametrize("key", [-1, 16777216, 1 << 32])
def test_keys_next_to_the_range_are_refused(key: int) -> None:
    with pytest.raises(Invalid, match=str(key)):
        parse_vni(key)


@pytest.mark.parametrize("vlan", [0, 1, 4094])
def test_the_outermost_vlans_are_good(vlan: int) -> None:
    assert parse_vlan(vlan) == vlan


@pytest.mark.parametrize("vlan", [-1, 4095, 4096])
def test_vlans_next_to_the_range_are_refused_and_named(vlan: int) -> None:
    with pytest.raises(Invalid, match=f"VLAN {vlan} .*0 to 4094"):
        parse_vlan(vlan)


@given(st.integers(0, 4094))
def test_every_vlan_is_itself(vlan: int) -> None:
    assert parse_vlan(vlan) == vlan


def test_ip_addresses_are_sorted_as_numbers_and_ipv4_first() -> None:
    mixed = ["fd00::10", "10.0.0.10", "::2", "10.0.0.2", "fd00::9", "9.1.1.1"]
    ordered = ["9.1.1.1", "10.0.0.2", "10.0.0.10", "::2", "fd00::9", "fd00::10"]
    assert sorted(mixed, key=ip_order) == ordered
