"""The options of the group [vtep], declared for oslo.config.

Those that shape a switch are declared in settings.py, and become options here.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import Field, fields
from typing import Any

from os_ken import cfg
from oslo_config import types

from .settings import Settings

_LOCAL = "unix:$OVS_RUNDIR/db.sock"
_TYPES = {int: types.Integer, float: types.Float, bool: types.Boolean, str: types.String}


class BadOption(ValueError):
    """An option is not valid; the text says which one and why, in one line."""


def _option(setting: "Field[Any]") -> cfg.Opt:
    """Return the option of a setting."""
    bounds = dict(setting.metadata)
    help = bounds.pop("help")
    parse = _parser(setting.type, bounds)
    return cfg.Opt(setting.name, type=parse, default=setting.default, help=help)


def _parser(kind: Any, bounds: Mapping[str, Any]) -> Callable[[Any], Any]:
    """Return a function from an option's text to its value.

    It raises ValueError that says what is allowed: oslo.config's has only Python's words.
    """
    convert = _TYPES[kind](**bounds)

    def parse(text: Any) -> Any:
        try:
            value = convert(text)
        except ValueError:
            value = None
        if value is None or (kind is float and not math.isfinite(value)):
            raise ValueError(f"{str(text)!r} is {_other_than(kind, bounds)}")
        return value

    return parse


def _other_than(kind: Any, bounds: Mapping[str, Any]) -> str:
    """Return what a wrong value of a setting is, "not a number" for example, for people."""
    if kind is bool:
        return "neither true nor false"
    if "choices" in bounds:
        return f"neither {' nor '.join(bounds['choices'])}"
    least, most = bounds["min"], bounds.get("max")
    number = "not a whole number" if kind is int else "not a number"
    return f"{number} of at least {least:g}" if most is None else f"{number} from {least} to {most}"


_DATABASES = (
    cfg.StrOpt(
        "vtep_db",
        default=_LOCAL,
        help="OVSDB remote of the hardware_vtep database: unix:PATH, tcp:HOST:PORT or "
        "ssl:HOST:PORT; several with commas for the servers of a cluster, or for an active server "
        "and its backup.",
    ),
    cfg.MultiStrOpt(
        "ovs_db",
        default=[_LOCAL],
        sample_default=_LOCAL,
        help="OVSDB remote of the Open_vSwitch database, written like vtep_db. It may be given "
        "several times, once for each host whose bridges are Physical_Switches.",
    ),
    cfg.StrOpt(
        "lock",
        default="vtep_ofapp",
        help="Name of the OVSDB lock on hardware_vtep. Of several processes with the same lock "
        "one acts and the others stand by. Processes for different switches in one database need "
        "locks of different names.",
    ),
    cfg.StrOpt(
        "ssl_key",
        sample_default="/etc/openvswitch/sc-privkey.pem",
        help="For ssl: remotes, the file with our private key (PEM).",
    ),
    cfg.StrOpt(
        "ssl_cert",
        sample_default="/etc/openvswitch/sc-cert.pem",
        help="For ssl: remotes, the file with our certificate (PEM).",
    ),
    cfg.StrOpt(
        "ssl_ca",
        sample_default="/etc/openvswitch/cacert.pem",
        help="For ssl: remotes, the file with the certificate of the CA that signed theirs (PEM).",
    ),
)
_PROCESS = (
    cfg.StrOpt(
        "openflow_socket",
        sample_default="$OVS_RUNDIR/vtep_ofapp.of",
        help="Unix socket on which bridges of this host are accepted, beside the TCP port and "
        "without TLS: ovs-vsctl set-controller BRIDGE unix:PATH. Only the user of this process "
        "may connect. Open vSwitch connects to sockets in its run directory alone.",
    ),
    cfg.StrOpt(
        "pidfile",
        sample_default="$OVS_RUNDIR/vtep_ofapp.pid",
        help="File for the process id, by which ovs-appctl -t vtep_ofapp finds this process. "
        "A second process on a host needs a file of its own; ovs-appctl -t NAME finds the one "
        "with $OVS_RUNDIR/NAME.pid.",
    ),
    cfg.StrOpt(
        "unixctl",
        sample_default="$OVS_RUNDIR/vtep_ofapp.PID.ctl",
        help="Unix socket on which commands are answered. Without this option it is beside the "
        "pidfile: DIR/NAME.PID.ctl for DIR/NAME.pid.",
    ),
    cfg.StrOpt(
        "record",
        sample_default="/var/log/openvswitch/vtep_ofapp.record",
        help="File to which all that decides what this process does is appended, for a bug report. "
        "It grows without limit.",
    ),
)
OPTIONS = (*_DATABASES, *_PROCESS, *map(_option, fields(Settings)))
