"""Several hosts, not all of which are read, and bridges of one name."""

import logging
from collections.abc import Iterable
from dataclasses import replace

from vtep_ofapp.loop.connections import CLAIM_TIME
from vtep_ofapp.values.addresses import UNKNOWN_DST
from vtep_ofapp.values.events import Bridges, BridgesInSync, Connected, LockIs, VtepInSync, VtepRows
from vtep_ofapp.values.rows import Bridge, Mark, VtepRow
from vtep_ofapp.values.writes import PutLocalMcastMac, PutTunnelPort

from .app import ROWS, App, described
from .builders import (
    FAR,
    MAC1,
    MAC2,
    OWN,
    RED,
    SWITCH,
    bridge,
    local_mac,
    local_unknown_dst,
    physical_port,
    port,
    remote_mac,
    to_anyone,
    uuid,
)
from .doubles import ConnectionDouble, Said, SwitchDouble

NEAR = bridge(port("p0", 1), database="here", datapath_id=0xB0, mark=Mark.NONE)
DISTANT = bridge(port("p0", 1), database="there", datapath_id=0xB1, mark=Mark.NONE)


def ports_in(writes: Iterable[object]) -> list[PutTunnelPort]:
    return [write for write in writes if isinstance(write, PutTunnelPort)]


def two_hosts(
    *more: VtepRow, distant: Bridge = DISTANT
) -> tuple[App, ConnectionDouble, ConnectionDouble]:
    """Return a loop that has read hardware_vtep and the second of two hosts, and connections."""
    app = App("here", "there")
    connection, other = ConnectionDouble(), ConnectionDouble(SwitchDouble(0xB1))
    rows = [*ROWS, remote_mac(MAC1, FAR), *more]
    app.turn(
        LockIs(True),
        VtepRows(rows),
        VtepInSync(frozenset(row.uuid for row in rows)),
        Bridges("there", {distant.name: distant}),
        BridgesInSync("there", frozenset({distant.name})),
        Connected(0xB0, connection),
        Connected(0xB1, other),
    )
    return app, connection, other


def test_of_two_bridges_of_one_name_that_of_the_first_database_counts() -> None:
    app, connection, other = two_hosts()
    assert connection.asked == other.asked == []
    assert app.service.is_ready  # for what there is, so that nobody starts us again and again
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]
    assert other.asked == ["disconnect"]
    assert FAR in [write.remote for write in ports_in(app.openvswitch["here"].take())]
    assert app.openvswitch["there"].take() == []


def test_a_host_is_managed_while_another_is_not_read_and_its_rows_stay(said: Said) -> None:
    br1 = described(
        physical_port("q0", {0: RED}), name="br1", row=uuid(0x5999), tunnel_ips=["10.0.0.11"]
    )
    anyone = to_anyone(of="br1", local="10.0.0.11")
    ports = {each.name: each for each in (port("q0", 1), anyone)}
    distant = replace(DISTANT, name="br1", mark=Mark.OURS, ports=ports)
    rows_of_the_other = local_mac(MAC2, OWN), local_unknown_dst(OWN, "10.0.0.11", row=uuid(0x4999))
    app, connection, other = two_hosts(br1, *rows_of_the_other, distant=distant)
    assert (connection.asked, other.asked) == ([], ["lead"])
    app.turn(other.leading(), other.reading())
    (write,) = ports_in(app.openvswitch["there"].take())
    up = port(write.name, 9, is_ours=True, remote=FAR, local="10.0.0.11")
    app.turn(Bridges("there", {"br1": replace(distant, ports={**ports, up.name: up})}))
    app.serve(other)
    assert other.switch.flows
    assert app.openvswitch["here"].take() == []
    written = app.written()
    assert PutLocalMcastMac(RED, UNKNOWN_DST, frozenset({"10.0.0.11"})) in written
    assert not [each for each in written if getattr(each, "rows", ())]
    assert not [each for each in written if getattr(each, "switch", None) == SWITCH]
    # Its own host answers later; nothing is new to the other one.
    said()
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]


def test_a_name_that_a_host_not_yet_read_may_have_waits_and_a_line_says_so(said: Said) -> None:
    app, _, other = two_hosts()
    app.wait(4.0)
    (line,) = said()
    assert line.startswith(
        "Physical_Switch br0: there has a bridge of its name that was not managed"
    )
    app.wait(CLAIM_TIME)
    assert other.asked == ["disconnect"]
    app.turn(BridgesInSync("here", frozenset()))
    again = ConnectionDouble(other.switch)
    app.turn(Connected(0xB1, again))
    assert again.asked == ["lead"]


def test_a_name_passes_to_another_host_when_its_bridge_is_gone_and_not_before(said: Said) -> None:
    app, connection, other = two_hosts()
    app.turn(Bridges("here", {"br0": NEAR}), BridgesInSync("here", frozenset({"br0"})))
    app.turn(BridgesInSync("here", frozenset({"br0"})))
    assert connection.asked == ["lead"]
    app.turn(Bridges("here", {"br0": None}))
    assert "br0 is no longer managed" in said(logging.INFO)
    assert connection.take()[-1] == "disconnect"
    again = ConnectionDouble(other.switch)
    app.turn(Connected(0xB1, again))
    assert again.asked == ["lead"]
