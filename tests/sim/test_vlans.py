"""A host's VLAN devices, on a wire between two namespaces."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sim.lab import links
from sim.lab.hosts import Host
from sim.lab.network import EmptyLab
from sim.lab.vlans import VlanDevices
from sim.waiting import wait_until
from sim.wire.frames import lab_frame, probe

HERE, THERE = "02:00:00:00:00:01", "02:00:00:00:00:02"


class Wire(EmptyLab):
    """Two hosts on one wire, both with VLANs 10 and 20, and `here` with an untagged address."""

    def _build(self) -> None:
        super()._build()
        self.here, self.there = (
            Host(
                name, self.state.create_namespace(name), interface="eth0", mac=mac, ip=f"10.0.0.{n}"
            )
            for n, (name, mac) in enumerate((("here", HERE), ("there", THERE)), 1)
        )
        links.add_veth(self.here.namespace, "eth0", self.there.namespace, "eth0", mac=HERE)
        links.set_mac(self.there.namespace, "eth0", THERE)
        self.here.add_address("10.0.0.1")
        self.devices = []
        for number, host in enumerate((self.here, self.there), 1):
            devices = VlanDevices(host, self.state.folder, [10, 20])
            devices.start()
            self.devices.append(devices)
            for vlan in (10, 20):
                host.add_address(f"10.0.{vlan}.{number}", vlan=vlan)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with Wire(f"t{os.getpid()}vlans") as wire:
        yield wire


def test_hosts_ping_each_other_in_each_vlan(wire: Wire) -> None:
    with wire.there.capture() as at_there:
        assert wire.here.ping("10.0.10.2") == 3
        assert wire.here.ping("10.0.20.2") == 3
        tags = {frame.vlans for frame in at_there.frames}
    assert tags == {(10,), (20,)}


def test_a_frame_with_a_tag_arrives_at_that_device_alone_and_without_it(wire: Wire) -> None:
    space = wire.there.namespace
    marked = probe(HERE, THERE, (20,))
    with (
        Host("ten", space, interface="eth0.10", mac=THERE, ip="").capture() as ten,
        Host("twenty", space, interface="eth0.20", mac=THERE, ip="").capture() as twenty,
    ):
        wire.here.send(marked.frame)
        (arrived,) = twenty.wait_for(1, lambda frame: marked.mark in frame.data)
        assert arrived.vlans == ()
        assert ten.count(lambda frame: marked.mark in frame.data) == 0


def test_frames_without_the_tag_of_a_device_go_to_none(wire: Wire) -> None:
    space = wire.there.namespace
    with Host("ten", space, interface="eth0.10", mac=THERE, ip="").capture() as ten:
        wire.here.send(lab_frame(HERE, THERE, b"untagged"))
        wire.here.send(lab_frame(HERE, THERE, b"of another VLAN", (30,)))
        # What is sent last arrives last: the two before it have been there.
        wire.here.send(lab_frame(HERE, THERE, b"of this one", (10,)))
        ten.wait_for(1, lambda frame: b"of this one" in frame.data)
        assert ten.count(lambda frame: b"untagged" in frame.data or b"another" in frame.data) == 0


def test_an_address_answers_in_its_own_vlan_alone(wire: Wire) -> None:
    wire.there.add_address("10.0.10.9", vlan=20)
    ping = ["ping", "-c1", "-w2"]
    assert "1 received" in wire.here.run([*ping, "10.0.10.2"])
    assert "0 received" in wire.here.run([*ping, "10.0.10.9"], check=False)


def test_a_large_frame_fits(wire: Wire) -> None:
    answered = wire.here.run(["ping", "-c1", "-w10", "-s1472", "-Mdo", "10.0.10.2"])
    assert "1 received" in answered


@pytest.mark.parametrize("end", ["here", "there"])
def test_after_the_wire_was_down_frames_pass_again(wire: Wire, end: str) -> None:
    space = wire.state.namespace(end)
    links.set_down(space, "eth0")
    lost = wire.here.run(["ping", "-c1", "-w1", "10.0.10.2"], check=False)
    assert " 0% packet loss" not in lost
    links.set_up(space, "eth0")
    wait_until(lambda: wire.here.ping("10.0.10.2", count=1), "an answer")
    assert all(devices.running for devices in wire.devices)
