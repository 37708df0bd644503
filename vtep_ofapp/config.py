"""Every option once: the group [vtep], and safer defaults for some of os-ken's own options."""

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from os_ken import cfg

from .policy import Policy

_OVSDB_REMOTE = re.compile(r"unix:.+|(tcp|ssl):([^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
_OVSDB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""An <id> of OVSDB (RFC 7047, 3.1)."""
_DEFAULT = Policy()

OPTIONS = (
    cfg.StrOpt(
        "vtep_db",
        sample_default="unix:$OVS_RUNDIR/db.sock",
        help="OVSDB remote of the hardware_vtep database: unix:PATH, tcp:HOST:PORT or "
        "ssl:HOST:PORT; several with commas for the servers of a cluster.",
    ),
    cfg.MultiStrOpt(
        "ovs_db",
        sample_default="unix:$OVS_RUNDIR/db.sock",
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
    cfg.IntOpt(
        "mac_aging",
        default=_DEFAULT.mac_aging,
        min=1,
        max=65535,
        help="Seconds without a frame after which a learned MAC address is forgotten.",
    ),
    cfg.FloatOpt(
        "port_grace",
        default=_DEFAULT.port_grace,
        min=0.0,
        help="Seconds for which a port may leave its bridge and keep its Physical_Port row, with "
        "the bindings that the NVC made.",
    ),
    cfg.FloatOpt(
        "stats_interval",
        default=_DEFAULT.stats_interval,
        min=0.0,
        help="Seconds between updates of Logical_Binding_Stats; 0 for none.",
    ),
    cfg.IntOpt(
        "max_local_macs",
        default=_DEFAULT.max_local_macs,
        min=1,
        help="Stations that one logical switch may learn. Further ones are reached by flooding, "
        "and switch_fault_status shows mac_table_exhaustion.",
    ),
    cfg.IntOpt(
        "max_local_macs_per_port",
        default=_DEFAULT.max_local_macs_per_port,
        min=1,
        help="Stations that may be learned at one port, so that a flood of addresses there takes "
        "nothing from the others.",
    ),
    cfg.IntOpt(
        "max_tunnels",
        default=_DEFAULT.max_tunnels,
        min=0,
        max=4096,
        help="Remote VTEPs that one switch has tunnels to. Beyond them switch_fault_status shows "
        "tunnel_exhaustion.",
    ),
    cfg.BoolOpt(
        "flood_without_unknown_dst",
        default=_DEFAULT.flood_without_unknown_dst,
        help="Whether a logical switch for which the NVC wrote no unknown-dst floods to every "
        "locator that its other rows name. For NVCs that never write one.",
    ),
)


class BadOption(ValueError):
    """An option has a value that it cannot have; the text says which and why, in one line."""


@dataclass(frozen=True)
class Tls:
    """The PEM files for ssl: remotes."""

    key: str
    certificate: str
    ca: str


@dataclass(frozen=True)
class Options:
    """The options of [vtep]: the databases' remotes, Open_vSwitch's by name, and the rest.

    ``tls`` is None where no remote needs it.
    """

    vtep_db: str
    ovs_db: Mapping[str, str]
    lock: str
    tls: Tls | None
    policy: Policy


def register() -> None:
    """Declare our options to oslo.config, and listen on loopback unless told otherwise."""
    cfg.CONF.register_opts(OPTIONS, group="vtep")
    cfg.CONF.set_default("ofp_listen_host", "127.0.0.1")
    cfg.CONF.set_default("ofp_tcp_listen_port", 6653)
    cfg.CONF.set_default("echo_request_interval", 5.0)
    cfg.CONF.set_default("maximum_unreplied_echo_requests", 3)


def read() -> Options:
    """Return the options of [vtep]; raises BadOption for a value that one cannot have."""
    default = f"unix:{os.environ.get('OVS_RUNDIR', '/var/run/openvswitch')}/db.sock"
    vtep_db, ovs_db = _value("vtep_db"), _value("ovs_db")
    remotes = [_remotes("ovs_db", each) for each in ([default] if ovs_db is None else ovs_db)]
    if len(set(remotes)) < len(remotes):
        raise BadOption("[vtep] ovs_db: the same remote is given more than once")
    names = (
        [f"Open_vSwitch of {each}" for each in remotes] if len(remotes) > 1 else ["Open_vSwitch"]
    )
    policy = Policy(**{field.name: _setting(field.name) for field in fields(Policy)})
    vtep_remotes = _remotes("vtep_db", default if vtep_db is None else vtep_db)
    needs_tls = "ssl:" in ",".join([vtep_remotes, *remotes])
    return Options(
        vtep_remotes,
        dict(zip(names, remotes, strict=True)),
        _lock(),
        Tls(_file("ssl_key"), _file("ssl_cert"), _file("ssl_ca")) if needs_tls else None,
        policy,
    )


def _lock() -> str:
    name = str(_value("lock"))
    if not _OVSDB_ID.fullmatch(name):
        raise BadOption(f"[vtep] lock: {name!r} is no name for a lock (letters, digits and _)")
    return name


def _file(name: str) -> str:
    path = _value(name)
    if path is None or not os.path.isfile(path):
        raise BadOption(
            f"[vtep] {name}: {path or 'nothing'} is no file, and an ssl: remote needs it"
        )
    return str(path)


def _value(name: str) -> Any:
    try:
        return getattr(cfg.CONF.vtep, name)
    except ValueError as error:
        # oslo.config's text begins with where it found the value, in words for its developers.
        raise BadOption(f"[vtep] {name}: {str(error).split('is not valid: ')[-1]}") from None


def _setting(name: str) -> Any:
    value = _value(name)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise BadOption(
            f"[vtep] {name}: {'nothing' if value is None else value} is no value for it"
        )
    return value


def _remotes(name: str, text: str) -> str:
    remotes = [each.strip() for each in text.split(",")]
    for each in remotes:
        matched = _OVSDB_REMOTE.fullmatch(each)
        if not matched or int(matched["port"] or 0) > 65535:
            raise BadOption(
                f"[vtep] {name}: {each!r} is no OVSDB remote "
                "(unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT)"
            )
    return ",".join(remotes)
