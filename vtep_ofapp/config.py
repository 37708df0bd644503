"""Every option once: the group [vtep], and safer defaults for some of os-ken's own options."""

import math
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from os_ken import cfg
from oslo_config.cfg import Error

from .policy import Policy

_OVSDB_REMOTE = re.compile(r"unix:.+|(tcp|ssl):([^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
_OVSDB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""An <id> of OVSDB (RFC 7047, 3.1)."""
_DEFAULT = Policy()
_OPENFLOW_PORT = 6653
OPENFLOW_TLS = ("ctl_privkey", "ctl_cert", "ca_certs")
"""os-ken's options for TLS: our key, its certificate, and the CA of the switches."""
_OVSDB_TLS = ("ssl_key", "ssl_cert", "ssl_ca")

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
    """PEM files: our private key, its certificate, and the CA that signed those of others."""

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
    cfg.CONF.set_default("ofp_tcp_listen_port", _OPENFLOW_PORT)
    cfg.CONF.set_default("echo_request_interval", 5.0)
    cfg.CONF.set_default("maximum_unreplied_echo_requests", 3)


def load(file: str | None) -> None:
    """Read a configuration file without osken-manager; raises BadOption if that cannot be done."""
    try:
        cfg.CONF(["--config-file", file] if file else [], default_config_files=[])
    except Error as error:
        raise BadOption(" ".join(str(error).split())) from None


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
    _secure_openflow()
    return Options(
        vtep_remotes,
        dict(zip(names, remotes, strict=True)),
        _lock(),
        _ovsdb_tls(",".join([vtep_remotes, *remotes])),
        policy,
    )


def _lock() -> str:
    name = str(_value("lock"))
    if not _OVSDB_ID.fullmatch(name):
        raise BadOption(f"[vtep] lock: {name!r} is no name for a lock (letters, digits and _)")
    return name


def _secure_openflow() -> None:
    """Refuse TLS for OpenFlow by halves: os-ken would listen without it, or let everyone in."""
    files = {f"[DEFAULT] {name}": getattr(cfg.CONF, name) for name in OPENFLOW_TLS}
    if cfg.CONF.ofp_ssl_listen_port is None:
        if not any(files.values()):
            return
        cfg.CONF.set_default("ofp_ssl_listen_port", _OPENFLOW_PORT)
    _tls(files, "TLS for OpenFlow needs it")


def _ovsdb_tls(remotes: str) -> Tls | None:
    files = {f"[vtep] {name}": _value(name) for name in _OVSDB_TLS}
    if "ssl:" in remotes:
        return _tls(files, "an ssl: remote needs it")
    for name, path in files.items():
        if path is not None:
            raise BadOption(f"{name}: it is given, but no remote begins with ssl:")
    return None


def _tls(files: Mapping[str, str | None], why: str) -> Tls:
    """Return the PEM files of a key, its certificate and a CA, after a look into them."""
    for name, path in files.items():
        if path is None or not os.path.isfile(path):
            raise BadOption(f"{name}: {path or 'nothing'} is no file, and {why}")
    tls = Tls(*map(str, files.values()))
    key, certificate, ca = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_verify_locations(tls.ca)
    except OSError as error:
        raise BadOption(f"{ca}: {tls.ca}: {error}") from None
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except OSError as error:
        raise BadOption(f"{key}, {certificate}: {error}") from None
    return tls


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
