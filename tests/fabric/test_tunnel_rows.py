"""Table Tunnel: a row for each tunnel in use, and BFD as the NVC sets it and as it goes."""

from __future__ import annotations

import re

import pytest

from sim.lab.peer import Peer
from tests.fabric.conftest import BFD, BfdLab, is_settled

FAR = "02:78:00:00:00:01"
THIRD = "10.2.2.13"


def test_each_tunnel_has_a_row_with_both_ends(lab: BfdLab) -> None:
    dst_ip = {row["_uuid"]: row["dst_ip"] for row in lab.vtep.rows("Physical_Locator")}
    rows = lab.vtep.rows("Tunnel")
    ends = {(dst_ip[row["local"]], dst_ip[row["remote"]]) for row in rows}
    assert ends == {("10.2.2.1", "10.2.2.11"), ("10.2.2.1", "10.2.2.12")}
    assert len(rows) == 2
    for row in rows:
        expected = {"bfd_dst_mac": "00:23:20:00:00:01", "bfd_dst_ip": "169.254.1.0"}
        assert row["bfd_config_local"] == expected
    (switch,) = lab.vtep.rows("Physical_Switch")
    assert sorted(switch["tunnels"]) == sorted(row["_uuid"] for row in rows)


def test_the_status_of_a_healthy_session(lab: BfdLab) -> None:
    lab.await_bfd(lab.one)
    status = await_status(lab, lab.one, remote_state="up")
    info = status.pop("info", "")
    assert status == {
        "enabled": "true",
        "state": "up",
        "forwarding": "true",
        "diagnostic": status["diagnostic"],
        "remote_state": "up",
        "remote_diagnostic": status["remote_diagnostic"],
    }
    assert len(info) < 100


def test_the_interval_that_the_nvc_sets_is_that_of_the_session(lab: BfdLab) -> None:
    shown = lab.vtep.appctl("bfd/show")
    assert shown.count("Local Minimum RX Interval: 300ms") == 2


def test_the_status_follows_a_peer_that_says_its_path_is_down(lab: BfdLab) -> None:
    lab.await_bfd(lab.one)
    lab.one.set_cpath_down(True)
    try:
        status = await_status(lab, lab.one, forwarding="false")
        assert status["remote_diagnostic"] == "Concatenated Path Down"
        assert (status["enabled"], status["state"], status["remote_state"]) == ("true", "up", "up")
    finally:
        lab.one.set_cpath_down(False)
    await_status(lab, lab.one, forwarding="true", remote_diagnostic="No Diagnostic")


def test_the_status_follows_a_peer_that_dies_and_comes_back(lab: BfdLab) -> None:
    lab.await_bfd(lab.one)
    lab.one.cut()
    try:
        status = await_status(lab, lab.one, state="down", forwarding="false")
        assert status["enabled"] == "true"
        assert status["diagnostic"] == "Control Detection Time Expired"
    finally:
        lab.one.mend()
    await_status(lab, lab.one, state="up", forwarding="true", remote_state="up")


def test_our_path_down_is_told_to_the_peer(lab: BfdLab) -> None:
    lab.await_bfd(lab.one)
    lab.set_bfd(lab.one, "bfd_params:cpath_down=true")
    try:
        lab.wait(
            lambda: peer_sees(lab)["remote_diagnostic"] == "Concatenated Path Down",
            "our diagnostic at the peer",
        )
        assert peer_sees(lab)["forwarding"] == "false"
    finally:
        lab.set_bfd(lab.one, "bfd_params:cpath_down=false")
    lab.await_bfd(lab.one)


def test_the_status_is_cleared_when_bfd_is_switched_off(lab: BfdLab) -> None:
    lab.await_bfd(lab.one)
    row = lab.tunnel(lab.one)["_uuid"]
    lab.set_bfd(lab.one, "bfd_params:enable=false")
    try:
        lab.wait(lambda: lab.tunnel(lab.one)["bfd_status"] == {}, "an empty bfd_status")
        lab.wait(lambda: peer_sees(lab)["state"] == "down", "a peer that sees it, too")
        lab.configure(f"clear Tunnel {row} bfd_params")
        assert lab.tunnel(lab.one)["bfd_status"] == {}
    finally:
        lab.set_bfd(lab.one, BFD)
    lab.await_bfd(lab.one)


def test_a_destination_that_the_other_end_corrects_counts(lab: BfdLab) -> None:
    """As when an NVC switches BFD on between two VTEPs before it tells them the destination."""
    lab.await_bfd(lab.one)
    lab.one.set_bfd(lab.vtep.tunnel_ip, bfd_dst_ip="169.254.9.9")
    try:
        lab.vtep.appctl("revalidator/purge")
        await_status(lab, lab.one, state="down", remote_state="down")
        lab.wait(lambda: dropped_for_long(lab), "wrong packets that are dropped")
        lab.one.set_bfd(lab.vtep.tunnel_ip, bfd_dst_ip="169.254.1.0")
        lab.wait(lambda: is_up(lab), "BFD up again")
    finally:
        lab.one.set_bfd(lab.vtep.tunnel_ip, bfd_dst_ip="169.254.1.0")
        lab.vtep.appctl("revalidator/purge")
        lab.await_bfd(lab.one)


def dropped_for_long(lab: BfdLab) -> bool:
    """Whether a cached flow has dropped some packets from peer one to BFD's port."""
    flow = rf"src={lab.one.tunnel_ip},.*udp\(dst=3784\), packets:([3-9]|\d\d).* actions:drop"
    return re.search(flow, lab.vtep.appctl("dpctl/dump-flows")) is not None


def is_up(lab: BfdLab) -> bool:
    return is_settled(lab.vtep.bfd_sessions()[lab.one.tunnel_ip])


@pytest.mark.parametrize("wrong", ["min_rx=soon", "min_rx=0", "min_tx=-1", "cpath_down=perhaps"])
def test_a_setting_that_cannot_be_used_is_left_out_and_named(lab: BfdLab, wrong: str) -> None:
    key = wrong.split("=")[0]
    logged = len(lab.vtep.app.log_text)
    lab.set_bfd(lab.one, f"bfd_params:{wrong}")
    try:
        lab.wait(lambda: key in lab.vtep.app.log_text[logged:], f"{key} in the log")
        await_status(lab, lab.one, state="up", forwarding="true")
    finally:
        row = lab.tunnel(lab.one)["_uuid"]
        lab.configure(f"remove Tunnel {row} bfd_params {key}", f"set Tunnel {row} {BFD}")
    lab.await_bfd(lab.one)


def test_a_row_comes_and_goes_with_the_use_of_its_locator(lab: BfdLab) -> None:
    lab.configure(f"add-ucast-remote ls0 {FAR} {THIRD}")
    row = lab.wait(lambda: lab.vtep.tunnels().get(THIRD), "a row")
    assert row["bfd_status"] == {}
    lab.configure(f"set Tunnel {row['_uuid']} {BFD}")
    lab.wait(
        lambda: lab.vtep.tunnels()[THIRD]["bfd_status"].get("state") == "down", "BFD that is on"
    )
    lab.configure(f"del-ucast-remote ls0 {FAR}")
    lab.wait(lambda: THIRD not in lab.vtep.tunnels(), "the end of the row")
    lab.wait(
        lambda: THIRD not in [row["dst_ip"] for row in lab.vtep.rows("Physical_Locator")],
        "the end of the locator",
    )
    assert len(lab.vtep.tunnels()) == 2


def test_rows_survive_a_new_start_of_the_application(lab: BfdLab) -> None:
    lab.await_bfd(lab.one, lab.two)
    before = {row["_uuid"]: row["bfd_params"] for row in lab.vtep.rows("Tunnel")}
    flaps = [peer.bfd_status(lab.vtep.tunnel_ip)["flap_count"] for peer in (lab.one, lab.two)]
    lab.vtep.app.kill()
    lab.vtep.app.start()
    lab.vtep.app.wait_until_ready()
    lab.await_bfd(lab.one, lab.two)
    assert {row["_uuid"]: row["bfd_params"] for row in lab.vtep.rows("Tunnel")} == before
    after = [peer.bfd_status(lab.vtep.tunnel_ip)["flap_count"] for peer in (lab.one, lab.two)]
    assert after == flaps


def await_status(lab: BfdLab, peer: Peer, **expected: str) -> dict[str, str]:
    """Wait until the status of the tunnel to a peer has these entries; return all of it."""

    def has_them() -> dict[str, str] | None:
        status = lab.tunnel(peer)["bfd_status"]
        return status if expected.items() <= status.items() else None

    return lab.wait(has_them, f"a bfd_status with {expected}")


def peer_sees(lab: BfdLab) -> dict[str, str]:
    return lab.one.bfd_status(lab.vtep.tunnel_ip)
