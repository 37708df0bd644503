"""What forged ARP packets and neighbor messages state: nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import forged
from vtep_ofapp.features.neighbours.claims import Claim, claim, states_address
from vtep_ofapp.pipeline.shown import of_station
from vtep_ofapp.values.addresses import parse_ip


def stated(frame: bytes) -> Claim | None:
    """Return what is found in a frame that is shown to the controller."""
    header = of_station(frame)
    return claim(header) if states_address(header) else None


@pytest.mark.parametrize("what", forged.FORGED)
def test_a_forged_frame_states_nothing(what: str) -> None:
    assert stated(forged.FORGED[what]) is None


def test_an_honest_frame_states_an_address() -> None:
    """So it is what was forged that is refused."""
    assert stated(forged.arp()) == Claim(forged.HOST_IP)
    assert stated(forged.arp(op=2)) == Claim(forged.HOST_IP)
    assert stated(forged.solicitation()) == Claim(forged.HOST_IPV6)
    assert stated(forged.advertisement()) == Claim(forged.HOST_IPV6)


@given(st.sampled_from([forged.arp(), forged.solicitation(), forged.advertisement()]), st.data())
def test_any_bytes_state_an_address_of_a_host_or_nothing(frame: bytes, data: st.DataObject) -> None:
    buf = bytearray(frame)
    for _ in range(data.draw(st.integers(1, 4))):
        buf[data.draw(st.integers(6, len(buf) - 1))] = data.draw(st.integers(0, 255))
    found = stated(bytes(buf[: data.draw(st.integers(14, len(buf)))]))
    assert found is None or parse_ip(found.ip) == found.ip
