"""What operators are told of neighbours: figures, owners by name, what a responder does."""

from collections.abc import Iterator, Mapping

from ...engine.desired import Key
from ...engine.operator_view import ADDRESS, STATION, Concerned, Figure, Passage, Verdict
from ...engine.view import View
from ...pipeline import snooping
from ..bindings.ports import Ports
from ..presence import Presence
from ..unicast import Placed, PlacedMacs
from .pairs import Pair, Pairs
from .responders import AddressedRows, NeighbourFlows, Responder


def _of_address(ip: str, view: View) -> Iterator[Key]:
    """Yield the pair of an address that a station stated, and the responder of one of rows."""
    for logical_switch in list(view[Ports].bound()):
        yield Pair(logical_switch, ip)
        if view[AddressedRows].of(Responder(logical_switch, ip)):
            yield Responder(logical_switch, ip)


def _of_station(mac: str, view: View) -> Iterator[Key]:
    for logical_switch in list(view[Ports].bound()):
        for ip in view[Pairs].ips((logical_switch, mac)):
            yield Pair(logical_switch, ip)
        for row in view[PlacedMacs].rows(Placed(logical_switch, mac)):
            if row.ip:
                yield Responder(logical_switch, row.ip)


def _responder(passage: Passage, view: View) -> str | None:
    owner = passage.owner
    assert isinstance(owner, Responder)
    rows = ", ".join(f"Ucast_Macs_Remote {row.uuid}" for row in view[AddressedRows].of(owner))
    return f"answered by the responder of {owner.ip} ({rows})"


def _statement(passage: Passage, view: View) -> str | None:
    if not snooping.is_shown(passage.flow):
        return None
    return "the controller is shown it, as its sender's MAC and IP address are not known together"


def _count_addresses(view: View) -> int:
    rows = view[AddressedRows]
    return sum(len(rows.addresses(each)) for each in view[Presence].all())


FIGURES = (
    Figure(
        "placed_ips",
        "IP addresses that rows give to MAC addresses behind remote VTEPs.",
        _count_addresses,
    ),
)
SUBJECTS: Mapping[str, Concerned] = {ADDRESS: _of_address, STATION: _of_station}
VERDICTS: Mapping[type, Verdict] = {Responder: _responder, NeighbourFlows: _statement}
