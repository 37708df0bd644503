"""What happens to the application in this process: frames of stations, ports of tunnels."""

from dataclasses import replace
from typing import Any

from vtep_ofapp.features.bindings.ports import Ports, VlanBinding
from vtep_ofapp.features.tunnels.ports import Tunnels
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING
from vtep_ofapp.values.events import Bridges
from vtep_ofapp.values.flows import match
from vtep_ofapp.values.rows import BridgePort

from .app import BRIDGE, App
from .builders import DATABASE, OWN, number_of, port, unknown_source
from .doubles import ConnectionDouble


def see(app: App, connection: ConnectionDouble, mac: str, port: str, vlan: int) -> None:
    """Let a frame come in from a station that the flows of br0 do not know."""
    binding = (
        app.components.switches.drivers["br0"].switch.view[Ports].binding(VlanBinding(port, vlan))
    )
    assert binding is not None
    fields = match(
        {SOURCE_BINDING: binding.number, LOGICAL_SWITCH: number_of(binding.logical_switch)}
    )
    app.turn(unknown_source(connection, fields, mac))
    app.serve(connection)


def tunnel_to(app: App, address: str, number: int | None = None, **more: Any) -> BridgePort:
    """Return our port of the tunnel from br0 to a remote VTEP; ``number`` is None for none."""
    name = app.components.switches.drivers["br0"].switch.view[Tunnels].name(address, OWN)
    return port(name, number, is_ours=True, remote=address, local=OWN, **more)


def have(app: App, connection: ConnectionDouble, *ports: BridgePort) -> None:
    """Let br0 have these ports besides those that it begins with."""
    there = {**BRIDGE.ports, **{each.name: each for each in ports}}
    app.turn(Bridges(DATABASE, {"br0": replace(BRIDGE, ports=there)}))
    app.serve(connection)
