from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.routers import Routers
from tests.switch.conftest import a_switch
from tests.switch.dummy import DummySwitch
from tests.web.programs import Web

HOST, GUEST, FAR = "00:00:00:00:00:01", "00:00:00:00:00:02", "00:00:00:00:00:99"
BINDINGS = (
    ("vm1", "0", "office"),
    ("vm2", "10", "office"),
    ("vm2", "20", "storage"),
    ("nas", "0", "storage"),
    ("trunk", "30", "cameras"),
    ("trunk", "40", "telephony"),
)


@pytest.fixture(scope="module")
def scene() -> Iterator[DummySwitch]:
    """br0 with four logical switches, two hosts, two tunnels that forward and one that does not."""
    with a_switch() as switch:
        switch.add_bridge("br0", ("vm1", "vm2", "nas", "trunk"))
        switch.add_physical_switch()
        switch.add_underlay(*(f"10.2.2.{number}" for number in range(2, 6)))
        keys = {name: 5001 + number for number, name in enumerate(dict.fromkeys(_names()))}
        for name, key in keys.items():
            steps = ["add-ls", name, "--", "set", "Logical_Switch", name, f"tunnel_key={key}"]
            switch.vtep_ctl(*steps)
        switch.app.take_over()
        switch.wait(lambda: len(switch.port_rows("br0")) == 4, "the physical ports")
        for port, vlan, name in BINDINGS:
            switch.vtep_ctl("bind-ls", "br0", port, vlan, name)
        switch.vtep_ctl("set-replication-mode", "office", "source_node")
        switch.replicate(("10.2.2.2",), ("10.2.2.3",), logical_switch="office")
        switch.place(FAR, "10.2.2.4", logical_switch="storage")
        for address in ("10.2.2.2", "10.2.2.3", "10.2.2.4"):
            switch.tunnel_port(address)
        switch.wait(lambda: len(switch.rows("Tunnel")) == 3, "the Tunnel rows")
        remote = switch.row("Physical_Locator", dst_ip="10.2.2.4")["_uuid"]
        tunnel = switch.row("Tunnel", remote=remote)["_uuid"]
        switch.vtep_ctl("set", "Tunnel", str(tunnel), "bfd_params:enable=true")
        Routers(switch).put("r1", {"10.0.1.1/24": "office", "10.0.2.1/24": "storage"})
        _learn(switch, HOST, "vm1", None)
        _learn(switch, GUEST, "vm2", 10)
        switch.wait(lambda: "settled: yes" in switch.app.ask("show"), "all flows to be there")
        yield switch


@pytest.fixture(scope="module")
def web(scene: DummySwitch) -> Iterator[Web]:
    """Our web server beside the application."""
    server = Web(scene.folder)
    server.begin()
    try:
        yield server
    finally:
        assert server.stop() == 0


def _names() -> list[str]:
    return [name for _, _, name in BINDINGS]


def _learn(switch: DummySwitch, mac: str, port: str, vlan: int | None) -> None:
    def is_learned() -> bool:
        switch.receive(port, mac, "ff:ff:ff:ff:ff:ff", vlan)
        return mac in switch.local_macs("office")

    switch.wait(is_learned, f"{mac} to be learned")
