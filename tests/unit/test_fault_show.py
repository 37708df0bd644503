"""fault/show: what is wrong now, since when, and what the NVC is shown of it."""

from vtep_ofapp.values.events import Bridges

from .app import BRIDGE, App
from .asking import Asking
from .builders import DATABASE, bridge, physical_port, port, to_anyone

VLANS = "Open vSwitch has VLAN settings of its own for it: ovs-vsctl clear port p0 tag trunks"


def test_nothing_is_wrong(app: App) -> None:
    app.start()
    assert Asking(app).text("fault/show") == "faults: none\n"
    assert Asking(app).json("fault/show") == {"role": "active", "faults": []}


def test_a_fault_has_its_word_its_row_and_its_age(app: App) -> None:
    app.start()
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", 1, has_vlans=True), to_anyone())}))
    app.wait(7.5)
    (fault,) = Asking(app).json("fault/show")["faults"]
    assert fault.pop("fault").startswith(f"Physical_Port p0 of br0: {VLANS}")
    assert fault == {
        "shown_to_nvc": {
            "word": "invalid_vlan_map",
            "column": "port_fault_status",
            "table": "Physical_Port",
            "row": str(physical_port("p0").uuid),
        },
        "standing_for_s": 7,
        "is_logged": True,
        "is_information": False,
    }
    lines = Asking(app).text("fault/show").splitlines()
    assert lines[0].startswith(f"Physical_Port p0 of br0: {VLANS}")
    assert "        word: invalid_vlan_map" in lines
    app.turn(Bridges(DATABASE, {"br0": BRIDGE}))
    assert Asking(app).text("fault/show") == "faults: none\n"


def test_a_fault_that_may_just_be_mended_is_there_and_not_logged(app: App) -> None:
    app.start()
    app.turn(Bridges(DATABASE, {"br0": bridge(port("p0", None), to_anyone())}))
    app.wait(1.0)
    (early,) = Asking(app).json("fault/show")["faults"]
    assert (early["shown_to_nvc"], early["is_logged"]) == (None, False)
    app.wait(5.0)
    (late,) = Asking(app).json("fault/show")["faults"]
    assert late == {**early, "standing_for_s": 6, "is_logged": True}
