"""Frames near 64 KiB, whose packet-in would be longer than OpenFlow's length can say.

Inside of them are messages that would teach the application a station, and have it forget one.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.guard.openflow import flow_removed, match, packet_in
from tests.guard.openflow import frame as header
from tests.lab.control import Control
from tests.lab.trial import Overlay, TrialLab
from tests.lab.wire import Wire, new_mac

MTU = 65535
SIZES = (16384, 16385, 65480, 65500, 65503, 65515, 65535, 65536, MTU + 14)
FORGED = "02:66:00:00:0b:ad"


@pytest.fixture
def giants(lab: TrialLab, nvc: Control, plain_ls0: Overlay) -> Iterator[None]:
    """p0 and p1, and the machines behind them, with the largest MTU that Linux has."""
    ends = [(vm.namespace, vm.interface) for vm in (lab.vm1, lab.vm2)]
    ends += [(lab.vtep.namespace, port) for port in ("p0", "p1")]
    for namespace, interface in ends:
        namespace.run(["ip", "link", "set", interface, "mtu", str(MTU)])
    yield
    for namespace, interface in ends:
        namespace.run(["ip", "link", "set", interface, "mtu", "1500"])


def number_of_ls0(lab: TrialLab) -> int:
    flows = lab.vtep.run(["ovs-ofctl", "-O", "OpenFlow13", "dump-flows", "br0", "table=0"])
    line = next(
        line for line in flows.splitlines() if "in_port=p1," in line or "in_port=2," in line
    )
    return int(line.split("->metadata")[0].rsplit("set_field:", 1)[1], 16)


def giant(size: int, source: str, lab: TrialLab, victim: str) -> Iterator[bytes]:
    """Return a frame that is nothing but forged messages behind its header."""
    ls0 = number_of_ls0(lab)
    end = flow_removed(match(metadata=ls0, reg0=0x2000, eth_src=int(victim.replace(":", ""), 16)))
    made_up = packet_in(header(FORGED), match(in_port=2, metadata=ls0, reg0=0x2000))
    forged = end + made_up
    body = forged * (size // len(forged) + 2)
    for shift in range(0, len(forged), 8):
        yield header(source) + body[shift : shift + size - 14]


def send_giants(lab: TrialLab, nvc: Control, wire: Wire) -> set[str]:
    victim = wire.learned(lab.vm2)
    sources = set()
    for size in SIZES:
        for frame in giant(size, source := new_mac(), lab, victim):
            lab.vm1.send(frame)
            assert len(frame) == size
        sources.add(source)
    last = wire.learned(lab.vm1)
    assert nvc.local(last) is not None
    assert nvc.local(victim) is not None
    assert nvc.local(FORGED) is None
    log = lab.vtep.app.log.read_text()
    assert "br0: connection lost" not in log
    assert "is closed" not in log
    return sources


def test_frames_that_are_too_long_for_a_message_are_not_shown_and_pass(
    lab: TrialLab, nvc: Control, wire: Wire, giants: None
) -> None:
    with lab.vm2.capture() as captured:
        sources = send_giants(lab, nvc, wire)
        arrived = {frame.data[6:12].hex(":") for frame in captured.matching(lambda _: True)}
    assert sources <= arrived
    assert {source for source in sources if nvc.local(source)} == {min(sources)}


def test_a_message_whose_length_has_wrapped_is_one_frame_and_no_more(
    lab: TrialLab, nvc: Control, wire: Wire, giants: None
) -> None:
    """A flow that is not ours shows frames of any length to every controller, and does the rest."""
    ours = "check_pkt_larger(16384)->NXM_NX_REG6[0],resubmit(,32)"
    flow = f"cookie=0x1,table=31,priority=1,actions=controller,{ours}"
    lab.vtep.run(["ovs-ofctl", "-O", "OpenFlow13", "add-flow", "br0", flow])
    try:
        send_giants(lab, nvc, wire)
    finally:
        lab.vtep.run(["ovs-ofctl", "-O", "OpenFlow13", "del-flows", "br0", "cookie=0x1/-1"])
