"""Stations of the application in this process: their frames reach it as packet-ins."""

from vtep_ofapp.features.bindings.ports import Ports, VlanBinding
from vtep_ofapp.pipeline.layout import LOGICAL_SWITCH, SOURCE_BINDING
from vtep_ofapp.values.flows import match

from .app import App
from .builders import number_of, unknown_source
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
