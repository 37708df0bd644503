"""The options of the group [vtep], declared for oslo.config.

Those that shape a switch are declared in settings.py, and become options here.
"""

from dataclasses import Field, fields
from typing import Any

from os_ken import cfg

from .settings import Settings

_LOCAL = "unix:$OVS_RUNDIR/db.sock"
_KINDS = {int: cfg.IntOpt, float: cfg.FloatOpt, bool: cfg.BoolOpt, str: cfg.StrOpt}


class BadOption(ValueError):
    """An option is not valid; the text says which one and why, in one line."""


def _option(setting: "Field[Any]") -> cfg.Opt:
    """Return the option of a setting."""
    return _KINDS[setting.type](setting.name, default=setting.default, **setting.metadata)  # type: ignore[index]


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
OPTIONS = (*_DATABASES, *map(_option, fields(Settings)))
