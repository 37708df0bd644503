"""Hosts that send more than they should: one with very many addresses, one that seems to jump."""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Dot1Q, Ether

from sim.lab.hosts import Host
from sim.waiting import wait_until
from tests import forged
from tests.lab.control import Control
from tests.lab.trial import TrialLab, standing
from tests.lab.wire import new_mac
from tests.routers import Routers, router_mac

ADDRESSES = 50_000
MOST = 10_000
MAX_MEMORY = 400 << 20
"""Bytes that the application may hold in all while 50,000 sources are shown to it."""
BROADCAST = b"\xff" * 6
TAG = b"\x81\x00\x00\x0a"
"""That of VLAN 10."""
REST = b"\x88\xb5" + bytes(46)
GW, GATEWAY, FAR = router_mac("r1"), "192.168.33.254", "10.99.0.1"
MOST_PENDING = 1024
"""The default of max_pending_next_hops."""
CLAIMS = 20_000
"""Frames by which a host claims to be its gateway."""
JUMPS = 5_000
MAX_UPDATES = 20
"""Rows written in the five seconds in which a MAC jumps a thousand times a second."""


class FloodedLab(TrialLab):
    """VM1 in ls0, where 10,000 stations may be learned; VM1, VM2 and VM3 in ls1."""

    control: Control


@pytest.fixture(scope="module")
def lab() -> Iterator[FloodedLab]:
    """VM1 in ls0, where 10,000 stations may be learned; VM1, VM2 and VM3 in ls1."""
    with standing(FloodedLab()) as lab:
        lab.app.options.update(max_local_macs=str(MOST), stats_interval="0")
        lab.start()
        lab.control = Control(lab.vtep)
        lab.control.do(
            "add-ls ls0",
            "add-ls ls1",
            "set Logical_Switch ls0 tunnel_key=33",
            "set Logical_Switch ls1 tunnel_key=44",
            "bind-ls br0 p0 10 ls0",
            "bind-ls br0 p0 0 ls1",
            "bind-ls br0 p1 0 ls1",
            "bind-ls br0 p2 0 ls1",
        )
        lab.expect_delivery(lab.vm1.send, {"vm2": ["untagged"], "vm3": ["untagged"]}, src=new_mac())
        yield lab


def local_macs(lab: FloodedLab) -> list[str]:
    """Return the addresses in Ucast_Macs_Local."""
    return [row["MAC"] for row in lab.vtep.rows("Ucast_Macs_Local")]


def memory(lab: FloodedLab) -> int:
    """Return the bytes that the application has in memory."""
    fields = Path(f"/proc/{lab.app.pid}/statm").read_text().split()
    return int(fields[1]) * 4096


def frame(mac: str, tag: bytes = b"") -> bytes:
    return BROADCAST + bytes.fromhex(mac.replace(":", "")) + tag + REST


def strangers() -> list[bytes]:
    """Return frames from 50,000 source addresses."""
    return [
        BROADCAST + b"\x02\x99" + number.to_bytes(4, "big") + TAG + REST
        for number in range(ADDRESSES)
    ]


def statements() -> list[bytes]:
    """Return ARP requests from 50,000 source addresses, each with IP addresses of its own."""
    like = forged.arp()
    head, arp, target = like[12:14] + like[14:22], like[22:32], like[32:]
    frames = []
    for number in range(ADDRESSES):
        mac, ip = b"\x02\x99" + number.to_bytes(4, "big"), (10 << 24 | number).to_bytes(4, "big")
        frames.append(BROADCAST + mac + TAG + head + mac + ip + target)
    assert len(arp) == len(mac + ip)
    return frames


@contextlib.contextmanager
def flood(host: Host, frames: list[bytes]) -> Iterator[None]:
    """Let a host send frames as fast as it can, again and again."""
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            for each in frames:
                with contextlib.suppress(OSError):  # the queue is full: even better
                    host.send(each)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def time_to_learn(lab: FloodedLab, host: Host) -> float:
    """Return how long a new station at a host has to send until there is a row for it."""
    mac, begin = new_mac(), time.monotonic()

    def is_learned() -> bool:
        host.send(frame(mac))
        return mac in lab.vtep.vtep_ctl("list-local-macs", "ls1")

    wait_until(is_learned, f"a row for {mac}", timeout=60, interval=0.05, evidence=lab.evidence)
    return time.monotonic() - begin


def time_to_report(lab: FloodedLab, host: Host, ip: str) -> float:
    """Return how long a new station at a host has to ask until its row has its IP address."""
    mac, begin = new_mac(), time.monotonic()

    def is_reported() -> bool:
        host.send(forged.arp(mac, psrc=ip))
        where = [["MAC", "==", mac], ["ipaddr", "==", ip]]
        select = {"op": "select", "table": "Ucast_Macs_Local", "where": where}
        return bool(lab.vtep.transact(select)[0]["rows"])

    wait_until(is_reported, f"{ip} of {mac}", timeout=60, interval=0.05, evidence=lab.evidence)
    return time.monotonic() - begin


def test_a_flood_of_addresses_takes_nothing_from_other_ports(
    lab: FloodedLab, record_property: Callable[[str, object], None]
) -> None:
    lines = lab.app.log_text.count("connection lost")
    lab.vm2.send(frame(lab.vm2.mac))
    lab.vm3.send(frame(lab.vm3.mac))
    lab.control.wait(lambda: {lab.vm2.mac, lab.vm3.mac} <= set(local_macs(lab)), "VM2 and VM3")
    peak = 0
    waits: list[float] = []
    with flood(lab.vm1, strangers()), lab.vm2.stream(lab.vm3, rate=200) as stream:
        for _ in range(5):
            waits.append(time_to_learn(lab, lab.vm3))
            peak = max(peak, memory(lab))
        in_ls0 = lambda: sum(mac.startswith("02:99:") for mac in local_macs(lab))  # noqa: E731
        wait_until(
            lambda: in_ls0() >= MOST, "a full ls0", timeout=90, interval=1, evidence=lab.evidence
        )
        waits.append(time_to_learn(lab, lab.vm3))
        peak = max(peak, memory(lab))
    record_property("figures", f"learned after {waits} s, {peak >> 20} MB, {stream.account()}")
    print(f"learned after {waits} s, {peak >> 20} MB, {stream.account()}")
    assert in_ls0() == MOST
    fault = ("get", "Physical_Switch", "br0", "switch_fault_status")
    lab.control.wait(lambda: "mac_table_exhaustion" in lab.vtep.vtep_ctl(*fault), "the fault")
    assert stream.account().duplicated == ()
    assert stream.account().received >= 0.8 * stream.account().sent
    assert peak < MAX_MEMORY
    assert lab.app.log_text.count("connection lost") == lines


@contextlib.contextmanager
def updates(lab: FloodedLab) -> Iterator[list[str]]:
    """Collect what a client of the database hears of Ucast_Macs_Local meanwhile."""
    command = ["ovsdb-client", "monitor", "--format=json", lab.vtep.db, "hardware_vtep"]
    heard: list[str] = []
    with subprocess.Popen(
        [*command, "Ucast_Macs_Local"], stdout=subprocess.PIPE, text=True
    ) as client:

        def read() -> None:
            assert client.stdout
            heard.extend(client.stdout)

        reader = threading.Thread(target=read)
        reader.start()
        try:
            wait_until(lambda: heard, "what is there", evidence=lab.evidence)
            heard.clear()
            yield heard
        finally:
            client.terminate()
            reader.join()


def test_a_flood_of_arp_takes_nothing_from_other_ports(
    lab: FloodedLab, record_property: Callable[[str, object], None]
) -> None:
    lines = lab.app.log_text.count("connection lost")
    peak = 0
    waits: list[float] = []
    with flood(lab.vm1, statements()), lab.vm2.stream(lab.vm3, rate=200) as stream:
        for number in range(20):
            waits.append(time_to_report(lab, lab.vm3, f"192.168.7.{number + 1}"))
            peak = max(peak, memory(lab))
    record_property("figures", f"reported after {waits} s, {peak >> 20} MB, {stream.account()}")
    print(f"reported after {waits} s, {peak >> 20} MB, {stream.account()}")
    assert stream.account().duplicated == ()
    assert stream.account().received >= 0.8 * stream.account().sent
    assert peak < MAX_MEMORY
    assert lab.app.log_text.count("connection lost") == lines


def dead_ends(host_mac: str) -> list[bytes]:
    """Return packets to a router whose TTL ends there, half of them from one host."""
    hosts = ("10.0.0.7", *(f"10.{number >> 8}.{number & 255}.7" for number in range(1, 5000)))
    frames = []
    for host in hosts:
        for source in (hosts[0], host):
            packet = (
                Ether(src=host_mac, dst=GW)
                / Dot1Q(vlan=10)
                / IP(src=source, dst=FAR, ttl=1)
                / UDP()
            )
            frames.append(bytes(packet))
    return frames


def time_to_be_told(lab: FloodedLab, host: Host) -> float:
    """Return how long a host asks until the router says that the TTL of its ping ended."""
    begin = time.monotonic()

    def is_told() -> bool:
        answer = host.answer(FAR, ttl=1)
        return answer is not None and answer[0] == GATEWAY

    wait_until(is_told, "an ICMP error", timeout=60, interval=0.05, evidence=lab.evidence)
    return time.monotonic() - begin


def packet_ins(lab: FloodedLab) -> int:
    """Return how many packet-ins reached the application."""
    answer = json.loads(lab.app.ask("metrics/show", "--json"))
    return int(answer["packet_ins"]["taken"])


def test_a_flood_of_packets_that_need_errors_takes_nothing_from_other_ports(
    lab: FloodedLab, record_property: Callable[[str, object], None]
) -> None:
    Routers(lab.vtep).put("r1", {f"{GATEWAY}/24": "ls1", "10.0.0.1/8": "ls0"})
    lab.vm2.set_gateway(GATEWAY)
    time_to_be_told(lab, lab.vm2)
    lines = lab.app.log_text.count("connection lost")
    peak = 0
    learned: list[float] = []
    told: list[float] = []
    begin, before = time.monotonic(), packet_ins(lab)
    with flood(lab.vm1, dead_ends(lab.vm1.mac)), lab.vm2.stream(lab.vm3, rate=200) as stream:
        for _ in range(10):
            learned.append(time_to_learn(lab, lab.vm3))
            told.append(time_to_be_told(lab, lab.vm2))
            peak = max(peak, memory(lab))
    rate = (packet_ins(lab) - before) / (time.monotonic() - begin)
    figures = f"{rate:.0f} packet-ins a second, learned after {learned} s, told after {told} s"
    figures += f", {peak >> 20} MB, {stream.account()}"
    record_property("figures", figures)
    print(figures)
    assert stream.account().duplicated == ()
    assert stream.account().received >= 0.8 * stream.account().sent
    assert peak < MAX_MEMORY
    assert lab.app.log_text.count("connection lost") == lines
    assert "sent too many packets that need an ICMP error" in lab.app.log_text
    Routers(lab.vtep).wipe()


def scan(host_mac: str) -> list[bytes]:
    """Return packets to 50,000 addresses of a subnet that a router joins, for the router."""
    return [
        bytes(Ether(src=host_mac, dst=GW) / Dot1Q(vlan=10) / IP(src="10.0.0.7", dst=ip) / UDP())
        for ip in (f"10.1.{number >> 8}.{number & 255}" for number in range(ADDRESSES))
    ]


def sent_by(lab: FloodedLab, port: str) -> int:
    """Return how many frames left by a port."""
    return int(lab.vtep.ovs_vsctl("get", "interface", port, "statistics:tx_packets"))


def received_from(lab: FloodedLab, port: str) -> int:
    """Return how many frames came in by a port."""
    return int(lab.vtep.ovs_vsctl("get", "interface", port, "statistics:rx_packets"))


def test_a_scan_of_a_connected_subnet_is_bounded_and_takes_nothing_from_others(
    lab: FloodedLab, record_property: Callable[[str, object], None]
) -> None:
    """No host has any of them: the router requests as many as max_pending_next_hops allows."""
    Routers(lab.vtep).put("r1", {f"{GATEWAY}/24": "ls1", "10.0.0.1/8": "ls0"})
    lab.vm2.set_gateway(GATEWAY)
    time_to_be_told(lab, lab.vm2)
    lines, peak = lab.app.log_text.count("connection lost"), 0
    times: dict[str, list[float]] = {"learned": [], "told": []}
    begin, ins, requests = time.monotonic(), packet_ins(lab), sent_by(lab, "p0")
    with flood(lab.vm1, scan(lab.vm1.mac)), lab.vm2.stream(lab.vm3, rate=200) as stream:
        for _ in range(10):
            times["learned"].append(time_to_learn(lab, lab.vm3))
            times["told"].append(time_to_be_told(lab, lab.vm2))
            peak = max(peak, memory(lab))
    seconds = time.monotonic() - begin
    ins, requests = packet_ins(lab) - ins, sent_by(lab, "p0") - requests
    figures = f"{ins} packet-ins and {requests} frames to p0 in {seconds:.1f} s, {times}"
    figures += f", {peak >> 20} MB, {stream.account()}"
    record_property("figures", figures)
    print(figures)
    assert stream.account().duplicated == ()
    assert stream.account().received >= 0.8 * stream.account().sent
    # Each is asked for three times, and left alone for five seconds then.
    assert requests <= 3 * MOST_PENDING * (1 + seconds / 3)
    assert ins <= MOST_PENDING * (1 + seconds)
    assert peak < MAX_MEMORY
    assert lab.app.log_text.count("connection lost") == lines
    assert "as many as max_pending_next_hops allows" in lab.app.log_text
    Routers(lab.vtep).wipe()


def test_a_flood_of_claims_of_a_routers_address_costs_no_packet_in(
    lab: FloodedLab, record_property: Callable[[str, object], None]
) -> None:
    """What a spoofer says is dropped by the switch: that it is the gateway, by ARP and packets."""
    Routers(lab.vtep).put("r1", {f"{GATEWAY}/24": "ls1", "10.0.0.1/8": "ls0"})
    lab.vm2.set_gateway(GATEWAY)
    time_to_be_told(lab, lab.vm2)
    lab.vm1.send(frame(lab.vm1.mac))
    lab.control.wait(lambda: lab.vm1.mac in local_macs(lab), "VM1")
    time_to_learn(lab, lab.vm1)  # what is left of an earlier flood stands before it in the queue
    said = [
        bytes.fromhex(lab.vm1.mac.replace(":", "")).join((to, like[12:]))
        for to, like in (
            (BROADCAST, forged.arp(lab.vm1.mac, psrc=GATEWAY)),
            (BROADCAST, forged.arp(lab.vm1.mac, psrc=GATEWAY, pdst=GATEWAY)),
            (bytes.fromhex(GW.replace(":", "")), bytes(Ether() / IP(src=GATEWAY, dst=FAR) / UDP())),
        )
    ]
    ins, claims, learned = packet_ins(lab), received_from(lab, "p0"), []
    with flood(lab.vm1, said), lab.vm2.stream(lab.vm3, rate=200) as stream:
        while received_from(lab, "p0") - claims < CLAIMS:
            learned.append(time_to_learn(lab, lab.vm3))
    ins, claims = packet_ins(lab) - ins, received_from(lab, "p0") - claims
    figures = f"{ins} packet-ins, {claims} claims, learned after {learned} s, {stream.account()}"
    record_property("figures", figures)
    print(figures)
    # A new station sends until its row is there, and each of its frames may be one.
    assert ins <= claims / 50
    assert stream.account().received >= 0.8 * stream.account().sent
    Routers(lab.vtep).wipe()


def test_an_address_that_jumps_is_damped(lab: FloodedLab) -> None:
    mac = new_mac()
    jumping = frame(mac)
    with updates(lab) as heard:
        for number in range(JUMPS):
            (lab.vm2 if number % 2 else lab.vm3).send(jumping)
            time.sleep(0.001)
        time_to_learn(lab, lab.vm3)
        changed = [row for line in heard for row in json.loads(line)["data"]]
    # Rows of stations of an earlier flood may still go.
    own = {uuid for uuid, _, shown, *_ in changed if shown == mac}
    rows = [row for row in changed if row[0] in own]
    print(f"{len(rows)} rows in {JUMPS} jumps")
    assert 1 <= len(rows) <= MAX_UPDATES
    assert f"{mac} moves too often" in lab.app.log_text
    assert local_macs(lab).count(mac) == 1
