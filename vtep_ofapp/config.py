"""Every option once: the group [vtep], and safer defaults for some of os-ken's own options."""

import os
import re
from dataclasses import dataclass

from os_ken import cfg

_OVSDB_REMOTE = re.compile(r"unix:.+|(tcp|ssl):([^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")


def _default_remote() -> str:
    return f"unix:{os.environ.get('OVS_RUNDIR', '/var/run/openvswitch')}/db.sock"


OPTIONS = (
    cfg.StrOpt(
        "vtep_db",
        sample_default="unix:$OVS_RUNDIR/db.sock",
        help="OVSDB remote of the hardware_vtep database: unix:PATH, tcp:HOST:PORT or "
        "ssl:HOST:PORT; several with commas for the servers of a cluster.",
    ),
    cfg.StrOpt(
        "ovs_db",
        sample_default="unix:$OVS_RUNDIR/db.sock",
        help="OVSDB remote of the Open_vSwitch database, written like vtep_db.",
    ),
    cfg.IntOpt(
        "mac_aging",
        default=300,
        min=1,
        max=65535,
        help="Seconds without a frame after which a learned MAC address is forgotten.",
    ),
    cfg.FloatOpt(
        "port_grace",
        default=3.0,
        min=0.0,
        help="Seconds for which a port may leave its bridge and keep its Physical_Port row, with "
        "the bindings that the NVC made.",
    ),
)


class BadOption(ValueError):
    """An option has a value that it cannot have; the text says which and why, in one line."""


@dataclass(frozen=True)
class Options:
    """The options of [vtep] with the values that they have."""

    vtep_db: str
    ovs_db: str
    mac_aging: int
    port_grace: float


def register() -> None:
    """Declare our options to oslo.config, and listen on loopback unless told otherwise."""
    cfg.CONF.register_opts(OPTIONS, group="vtep")
    cfg.CONF.set_default("ofp_listen_host", "127.0.0.1")
    cfg.CONF.set_default("ofp_tcp_listen_port", 6653)
    cfg.CONF.set_default("echo_request_interval", 5.0)
    cfg.CONF.set_default("maximum_unreplied_echo_requests", 3)


def read() -> Options:
    """Return the options of [vtep]; raises BadOption for a value that one cannot have."""
    return Options(
        _remote("vtep_db"),
        _remote("ovs_db"),
        int(_value("mac_aging")),
        float(_value("port_grace")),
    )


def _value(name: str) -> str:
    try:
        return str(getattr(cfg.CONF.vtep, name))
    except ValueError as error:
        raise BadOption(f"[vtep] {name}: {error}") from None


def _remote(name: str) -> str:
    remote = getattr(cfg.CONF.vtep, name)
    if remote is None:
        return _default_remote()
    for each in str(remote).split(","):
        remote_match = _OVSDB_REMOTE.fullmatch(each.strip())
        if not remote_match or int(remote_match["port"] or 0) > 65535:
            raise BadOption(
                f"[vtep] {name}: {each!r} is no OVSDB remote "
                "(unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT)"
            )
    return ",".join(each.strip() for each in str(remote).split(","))
