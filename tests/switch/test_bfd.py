"""BFD of tunnels: from the Tunnel row to the interface, and its state back."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.switch.dummy import DummySwitch
from tests.switch.state import assert_restart_changes_nothing, locator_names, switch_faults

STATION = "00:00:00:00:00:99"
DEFAULTS = {
    "enable": "true",
    "bfd_local_dst_mac": "00:23:20:00:00:01",
    "bfd_src_ip": "169.254.1.0",
    "bfd_dst_ip": "169.254.1.1",
}
LOCAL = {"bfd_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.0"}


@pytest.fixture
def tunnel(joined: DummySwitch) -> DummySwitch:
    """A switch with a tunnel to 10.2.2.3, and its one Tunnel row."""
    joined.place(STATION, "10.2.2.3")
    joined.wait(lambda: joined.rows("Tunnel"), "the row")
    joined.tunnel_port("10.2.2.3")
    return joined


def row(switch: DummySwitch) -> dict[str, Any]:
    (row,) = switch.rows("Tunnel")
    return row


def configure(switch: DummySwitch, column: str, **values: str) -> None:
    """Write one map column of the row as the NVC, all of it."""
    pairs = [f"{column}:{key}={_quoted(value)}" for key, value in values.items()]
    name = str(row(switch)["_uuid"])
    switch.vtep_ctl(
        "clear", "Tunnel", name, column, *(["--", "set", "Tunnel", name, *pairs] if pairs else [])
    )


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def settings(switch: DummySwitch) -> dict[str, str]:
    """Return the bfd column of the tunnel's interface, nothing while there is none."""
    columns = [
        row["bfd"]
        for row in switch.rows("Interface", "Open_vSwitch")
        if row["type"] == "vxlan" and row["options"]["remote_ip"] != "flow"
    ]
    return columns[0] if columns else {}


def test_bfd_is_off_until_enabled_and_has_the_defaults_of_the_schema(tunnel: DummySwitch) -> None:
    assert settings(tunnel) == {}
    configure(tunnel, "bfd_params", min_rx="500")
    tunnel.come_to_rest()
    assert settings(tunnel) == {}
    assert row(tunnel)["bfd_status"] == {}
    configure(tunnel, "bfd_params", enable="true")
    tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "BFD on the interface")


def test_the_state_is_shown_while_bfd_is_on_and_cleared_when_it_is_off(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="true")
    tunnel.wait(lambda: row(tunnel)["bfd_status"].get("state") == "down", "a session that is down")
    status = row(tunnel)["bfd_status"]
    assert (status["enabled"], status["forwarding"]) == ("true", "false")
    assert status["remote_state"] == "down"
    assert {"diagnostic", "remote_diagnostic", "info"} <= status.keys()
    assert row(tunnel)["bfd_config_local"] == LOCAL
    assert_restart_changes_nothing(tunnel)
    configure(tunnel, "bfd_params", enable="false", min_rx="500")
    tunnel.wait(lambda: settings(tunnel) == {}, "no BFD on the interface")
    tunnel.wait(lambda: row(tunnel)["bfd_status"] == {}, "no status")


def test_every_parameter_reaches_the_interface_and_leaves_it_again(tunnel: DummySwitch) -> None:
    params = {
        "min_rx": "300", "min_tx": "200", "decay_min_rx": "600", "forwarding_if_rx": "true",
        "cpath_down": "true", "check_tnl_key": "true",
    }  # fmt: skip
    configure(tunnel, "bfd_params", enable="true", **params)
    tunnel.wait(lambda: settings(tunnel) == {**DEFAULTS, **params}, "all of them")
    zero = {"decay_min_rx": "0", "cpath_down": "false"}
    configure(tunnel, "bfd_params", enable="true", **zero)
    tunnel.wait(lambda: settings(tunnel) == {**DEFAULTS, **zero}, "what is left")
    configure(tunnel, "bfd_params")
    tunnel.wait(lambda: settings(tunnel) == {}, "none")
    assert switch_faults(tunnel) == set()


def test_the_remote_configuration_decides_the_destination_of_packets(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="true")
    configure(
        tunnel, "bfd_config_remote", bfd_dst_mac="AA:BB:CC:00:00:02", bfd_dst_ip="169.254.7.7"
    )
    remote = {"bfd_local_dst_mac": "aa:bb:cc:00:00:02", "bfd_dst_ip": "169.254.7.7"}
    tunnel.wait(lambda: settings(tunnel) == {**DEFAULTS, **remote}, "the other destination")
    configure(tunnel, "bfd_config_remote")
    tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "the destination of the schema")


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("bfd_params", {"min_rx": "soon", "min_tx": "0", "decay_min_rx": "1.5"}),
        (
            "bfd_params",
            {
                "cpath_down": "yes",
                "check_tnl_key": "TRUE",
                "forwarding_if_rx": "1",
                "min_rx": "99999999999999999999",
                "min_tx": "4294967296",
                "decay_min_rx": "٣",
            },
        ),
        ("bfd_config_remote", {"bfd_dst_mac": "00:23:20", "bfd_dst_ip": "fe80::1"}),
    ],
)
def test_a_value_that_cannot_be_used_is_a_fault_and_the_default_holds(
    tunnel: DummySwitch, column: str, bad: dict[str, str]
) -> None:
    if column == "bfd_config_remote":
        configure(tunnel, "bfd_params", enable="true")
        configure(tunnel, column, **bad)
    else:
        configure(tunnel, column, enable="true", **bad)
    tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "the defaults")
    for key in bad:
        tunnel.wait_for_log(f"tunnel to 10.2.2.3: {column}:{key}: ")
    tunnel.wait(lambda: switch_faults(tunnel) == {"unspecified_fault"}, "the fault")
    configure(tunnel, column, **({"enable": "true"} if column == "bfd_params" else {}))
    tunnel.wait(lambda: switch_faults(tunnel) == set(), "the fault to clear")
    assert tunnel.app.log_text.count(f": {column}:") == 2 * len(bad)


def test_enable_that_is_no_boolean_is_a_fault_and_off(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="on")
    tunnel.wait_for_log("bfd_params:enable: 'on' is neither true nor false")
    tunnel.wait(lambda: switch_faults(tunnel) == {"unspecified_fault"}, "the fault")
    assert settings(tunnel) == {}
    assert row(tunnel)["bfd_status"] == {}


def test_columns_that_are_ours_are_mended_and_those_of_the_nvc_left_alone(
    tunnel: DummySwitch,
) -> None:
    configure(tunnel, "bfd_params", enable="true", min_rx="700")
    tunnel.wait(lambda: row(tunnel)["bfd_status"].get("state") == "down", "the session")
    configure(tunnel, "bfd_config_local", bfd_dst_ip="10.0.0.1")
    configure(tunnel, "bfd_status", state="up", enabled="maybe")
    tunnel.wait(lambda: row(tunnel)["bfd_config_local"] == LOCAL, "our own configuration")
    tunnel.wait(lambda: row(tunnel)["bfd_status"].get("state") == "down", "the true state")
    assert row(tunnel)["bfd_status"]["enabled"] == "true"
    assert row(tunnel)["bfd_params"] == {"enable": "true", "min_rx": "700"}


def test_settings_that_someone_changed_on_the_interface_are_mended(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="true")
    tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "BFD on the interface")
    tunnel.ovs_vsctl("set", "interface", tunnel.tunnel_port("10.2.2.3"), "bfd:min_rx=12")
    tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "what the NVC asked for")


def test_one_of_two_rows_for_one_address_is_enough_to_enable_bfd(tunnel: DummySwitch) -> None:
    tunnel.vtep_ctl("add-ls", "ls1", "--", "bind-ls", "br0", "p1", "20", "ls1")
    tunnel.place(STATION, "10.2.2.3", 100, logical_switch="ls1")
    tunnel.wait(lambda: len(tunnel.rows("Tunnel")) == 2, "a row for each locator")
    states = lambda: [row["bfd_status"].get("state") for row in tunnel.rows("Tunnel")]  # noqa: E731
    first, second = (str(row["_uuid"]) for row in tunnel.rows("Tunnel"))
    for name in (first, second):
        tunnel.vtep_ctl("set", "Tunnel", name, "bfd_params:enable=true")
        tunnel.wait(lambda: settings(tunnel) == DEFAULTS, "BFD on the one interface")
        tunnel.wait(lambda: "down" in states(), "its state")
        tunnel.vtep_ctl("clear", "Tunnel", name, "bfd_params")
        tunnel.wait(lambda: settings(tunnel) == {}, "its end")
        tunnel.wait(lambda: states() == [None, None], "no status")


# What becomes of the NVC's settings


def test_settings_outlast_a_moment_without_a_user(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="true", min_rx="300")
    tunnel.wait(lambda: settings(tunnel).get("min_rx") == "300", "the settings")
    before = row(tunnel)
    # The VTEP loses its only MAC between two transactions, and the switch its addresses.
    tunnel.vtep_ctl("del-ucast-remote", "ls0", STATION)
    tunnel.wait(lambda: tunnel.tunnel_ports() == {}, "no tunnel port")
    tunnel.place(STATION, "10.2.2.3")
    tunnel.wait(lambda: settings(tunnel).get("min_rx") == "300", "the settings again")
    tunnel.vtep_ctl("clear", "Physical_Switch", "br0", "tunnel_ips")
    tunnel.wait(lambda: tunnel.tunnel_ports() == {}, "no tunnel port")
    tunnel.vtep_ctl("set", "Physical_Switch", "br0", "tunnel_ips=127.0.0.1")
    tunnel.wait(lambda: settings(tunnel).get("min_rx") == "300", "the settings again")
    after = row(tunnel)
    assert (after["_uuid"], after["bfd_params"]) == (before["_uuid"], before["bfd_params"])
    tunnel.come_to_rest()
    assert "its Tunnel row goes" not in tunnel.app.log_text


def test_what_is_not_used_for_five_seconds_goes_and_a_line_quotes_it(tunnel: DummySwitch) -> None:
    configure(tunnel, "bfd_params", enable="true", min_rx="300")
    tunnel.wait(lambda: settings(tunnel).get("min_rx") == "300", "the settings")
    begun = time.monotonic()
    tunnel.vtep_ctl("del-ucast-remote", "ls0", STATION)
    tunnel.wait(lambda: tunnel.rows("Tunnel") == [], "the row to go")
    assert time.monotonic() - begun > 4.0
    tunnel.wait(lambda: locator_names(tunnel) == ["127.0.0.1"], "its locator to go")
    line = "br0: nothing has used 10.2.2.3 for 5 s; its Tunnel row goes, with bfd_params"
    tunnel.wait_for_log(f"{line} enable=true, min_rx=300")
    assert tunnel.app.log_text.count(line) == 1
