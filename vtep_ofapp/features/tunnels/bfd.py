"""BFD (RFC 5880) on tunnels: settings from hardware_vtep to Open_vSwitch, status back.

Pure functions. The keys are those of vtep(5), table Tunnel, and of ovs-vswitchd.conf.db(5), table
Interface.
"""

from collections.abc import Mapping

from ...values.addresses import Invalid, parse_ipv4, parse_mac

CONFIG_LOCAL: Mapping[str, str] = {
    "bfd_dst_mac": "00:23:20:00:00:01",
    "bfd_dst_ip": "169.254.1.0",
}
"""The destination of the BFD packets that we accept: the defaults of vtep(5)."""

_CONFIG_REMOTE: Mapping[str, str] = {
    "bfd_dst_mac": "00:23:20:00:00:01",
    "bfd_dst_ip": "169.254.1.1",
}
"""The destination of the BFD packets that we send, by default (vtep(5))."""

_BOOLEANS = ("forwarding_if_rx", "cpath_down", "check_tnl_key")
_INTERVALS = {"min_rx": 1, "min_tx": 1, "decay_min_rx": 0}
"""Milliseconds, with the least value that each may have."""
_MOST = 2**31 - 1
"""The greatest value that Open vSwitch accepts; for more it silently uses its default."""


def settings(
    params: Mapping[str, str], config_remote: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return the desired ``bfd`` column of an interface, and the problems of the input.

    The column is empty unless BFD is enabled. An invalid value is left out, so that Open vSwitch
    uses its default, which is that of vtep(5).
    """
    problems: list[str] = []
    if _boolean("enable", params, problems) != "true":
        return {}, problems
    remote = dict(_CONFIG_REMOTE)
    for key, parse in (("bfd_dst_mac", parse_mac), ("bfd_dst_ip", parse_ipv4)):
        try:
            remote[key] = parse(config_remote.get(key, remote[key]))
        except Invalid as error:
            problems.append(f"bfd_config_remote:{key}: {error}")
    column = {
        "enable": "true",
        "bfd_local_dst_mac": remote["bfd_dst_mac"],
        "bfd_dst_ip": remote["bfd_dst_ip"],
        "bfd_src_ip": CONFIG_LOCAL["bfd_dst_ip"],
    }
    for key in _BOOLEANS:
        value = _boolean(key, params, problems)
        if value is not None:
            column[key] = value
    for key, least in _INTERVALS.items():
        interval = _interval(key, least, params, problems)
        if interval is not None:
            column[key] = interval
    return column, problems


def status(interface: Mapping[str, str]) -> dict[str, str]:
    """Return the ``bfd_status`` of a tunnel with BFD, from that of its interface."""
    known = ("state", "forwarding", "diagnostic", "remote_state", "remote_diagnostic")
    report = {"enabled": "true", **{key: interface[key] for key in known if key in interface}}
    if "flap_count" in interface:
        report["info"] = f"forwarding changed {interface['flap_count']} times"
    return report


def failed(reason: str) -> dict[str, str]:
    """Return the ``bfd_status`` of a tunnel on which BFD cannot be enabled."""
    return {"enabled": "false", "info": reason}


def _boolean(key: str, params: Mapping[str, str], problems: list[str]) -> str | None:
    value = params.get(key)
    if value in (None, "true", "false"):
        return value
    problems.append(f"bfd_params:{key}: {value!r} is neither true nor false")
    return None


def _interval(key: str, least: int, params: Mapping[str, str], problems: list[str]) -> str | None:
    value = params.get(key)
    if value is None:
        return None
    is_number = value.isascii() and value.isdigit() and len(value) <= len(str(_MOST))
    if is_number and least <= int(value) <= _MOST:
        return str(int(value))
    problems.append(f"bfd_params:{key}: {value!r} is no number from {least} to {_MOST}")
    return None
