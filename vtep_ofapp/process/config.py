"""Every option once: the group [vtep], and safer defaults for some of os-ken's own options."""

import difflib
import math
import os
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from os_ken import cfg
from oslo_config.cfg import ConfigParser, Error, NoSuchOptError, TemplateSubstitutionError

from ..loop.forgotten_steps import Listener
from .settings import ANY, NAMED, Settings

_OVSDB_REMOTE = re.compile(r"unix:.+|(tcp|ssl):([^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
_OVSDB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""An <id> of OVSDB (RFC 7047, 3.1)."""
_RUN_DIRECTORY = "/var/run/openvswitch"
_LOCAL = "unix:$OVS_RUNDIR/db.sock"
_DEFAULT = Settings()
_OPENFLOW_PORT = 6653
OPENFLOW_TLS = ("ctl_privkey", "ctl_cert", "ca_certs")
"""os-ken's options for TLS: our key, its certificate, and the CA of the switches."""
_OVSDB_TLS = ("ssl_key", "ssl_cert", "ssl_ca")

OPTIONS = (
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
        help="Seconds for which a port may leave its bridge and keep its Physical_Port row, while "
        "the NVC bound nothing to it.",
    ),
    cfg.FloatOpt(
        "bound_port_grace",
        default=_DEFAULT.bound_port_grace,
        min=0.0,
        help="Seconds for which the row of a port that is not on its bridge stays while the NVC "
        "has bindings there, which would go with it.",
    ),
    cfg.FloatOpt(
        "empty_db_grace",
        default=_DEFAULT.empty_db_grace,
        min=0.0,
        help="Seconds for which switches stay as they are when hardware_vtep comes back without "
        "any Physical_Switch, so that it can be restored.",
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
        "locator that its other rows name. For NVCs that never write one, such as "
        "networking-l2gw.",
    ),
    cfg.StrOpt(
        "accept_from",
        default=_DEFAULT.accept_from,
        choices=(NAMED, ANY),
        help="From which VTEPs frames are let in: named, those that rows of the logical switch "
        "name, or any, all that send with its tunnel key (RFC 7348, section 4.1). OVN needs any "
        "for what its hypervisors route. With any, every host that reaches UDP port 4789 of a "
        "tunnel IP can send into the logical switches.",
    ),
)


_NAMES = frozenset(option.name for option in OPTIONS)
_COMMAND_LINE_ONLY = ("config_file", "config_dir", "user_flags")
"""os-ken's options that have no effect in a file."""


class BadOption(ValueError):
    """An option has a value that it cannot have; the text says which and why, in one line."""


@dataclass(frozen=True)
class Tls:
    """PEM files: our private key, its certificate, and the CA that signed those of others."""

    key: str
    certificate: str
    ca: str


@dataclass(frozen=True)
class OpenFlow:
    """Where switches are awaited; ``option`` is the one that gives the port.

    With ``tls`` nobody gets in without it; ``ciphers`` is OpenSSL's list of those allowed.
    """

    host: str
    port: int
    option: str
    tls: Tls | None = None
    ciphers: str | None = None


@dataclass(frozen=True)
class Options:
    """The options of [vtep]: the databases' remotes, Open_vSwitch's by name, and the rest.

    ``tls`` is None where no remote needs it. ``openflow`` is from [DEFAULT].
    """

    vtep_db: str
    ovs_db: Mapping[str, str]
    lock: str
    tls: Tls | None
    settings: Settings
    openflow: OpenFlow

    @property
    def listener(self) -> Listener:
        """Where bridges find us, which those of this host may do by loopback."""
        is_local = all(remotes.startswith("unix:") for remotes in self.ovs_db.values())
        method = "tcp" if self.openflow.tls is None else "ssl"
        return Listener(method, self.openflow.host, self.openflow.port, is_local)

    @property
    def mark(self) -> str:
        """What a bridge carries that is managed by a process with this lock and database."""
        return f"{self.lock}@{self.vtep_db}"


def register() -> None:
    """Declare our options to oslo.config, and listen on loopback unless told otherwise."""
    cfg.CONF.register_opts(OPTIONS, group="vtep")
    cfg.CONF.register_opt(cfg.StrOpt("OVS_RUNDIR"), group="vtep")  # what $OVS_RUNDIR stands for
    cfg.CONF.set_default("ofp_listen_host", "127.0.0.1")
    cfg.CONF.set_default("ofp_tcp_listen_port", _OPENFLOW_PORT)
    cfg.CONF.set_default("echo_request_interval", 5.0)
    cfg.CONF.set_default("maximum_unreplied_echo_requests", 3)


def load(file: str | None) -> None:
    """Read a configuration file without osken-manager; raises BadOption if that cannot be done."""
    try:
        cfg.CONF(["--config-file", file] if file else [], default_config_files=[])
    except (Error, OSError, ValueError) as error:
        raise BadOption(f"{file}: {' '.join(str(error).split())}") from None
    check(["--config-file", file] if file else [])


def logs_by_file() -> bool:
    """Whether a file says how to log: os-ken's option log_config_file."""
    return bool(getattr(cfg.CONF, "log_config_file", None))


def check(arguments: Sequence[str]) -> list[str]:
    """Look for options that would be passed over; raises BadOption if they are ours.

    Returns a line for each that may be another application's. ``arguments`` are those of the
    command line. All applications must have registered their options.
    """
    strange: list[str] = []
    files = dict(_files(arguments)) or dict.fromkeys(cfg.CONF.default_config_files, 0)
    for file, place in files.items():
        contents = _contents(file)
        for group, names in contents.items():
            _check_group(group, names)
            strange += _check_names(group, names)
        _check_order(arguments[:place], file, contents.get("DEFAULT", ()))
    return strange


def _files(arguments: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each configuration file, and the place of its option on the command line."""
    for place, argument in enumerate(arguments):
        option, is_joined, value = argument.partition("=")
        if not is_joined:
            value = next(iter(arguments[place + 1 :]), "")
        if "--config-file".startswith(option) and len(option) > len("--config-"):
            yield value, place
        elif "--config-dir".startswith(option) and len(option) > len("--config-"):
            for file in sorted(Path(value).expanduser().glob("*.conf")):
                yield str(file), place


def _contents(file: str) -> dict[str, list[str]]:
    """Return the names that stand in each group of a file that oslo.config has read already."""
    sections: dict[str, dict[str, Any]] = {}
    ConfigParser(os.path.expanduser(file), sections).parse()
    return {group: list(names) for group, names in sections.items()}


def _check_group(group: str, names: Sequence[str]) -> None:
    """Refuse a group that looks like [vtep], unless an application has one of that name.

    If only the letters are like it, a name in it has to be one of ours as well.
    """
    if group == "vtep" or group in cfg.CONF:
        return
    alike = difflib.get_close_matches(group.strip().lower(), ("vtep", "vtep_ofapp"), 1, 0.7)
    if alike and (alike[0] in group.lower() or not _NAMES.isdisjoint(names)):
        raise BadOption(f"[{group}]: there is no such group; [vtep] is meant")


def _check_names(group: str, names: Sequence[str]) -> Iterator[str]:
    """Refuse names in [vtep] that are not ours, and ours in [DEFAULT]; yield a line for others."""
    known = cfg.CONF.vtep if group == "vtep" else cfg.CONF
    for name in names if group in ("vtep", "DEFAULT") else ():
        if group == "DEFAULT" and name in _COMMAND_LINE_ONLY:
            raise BadOption(f"[DEFAULT] {name}: it counts on the command line only")
        if name in known:
            continue
        other, others = ("DEFAULT", cfg.CONF) if group == "vtep" else ("vtep", _NAMES)
        if name in others:
            raise BadOption(f"[{group}] {name}: it belongs into the group [{other}]")
        nearest = difflib.get_close_matches(name.replace("-", "_"), known, 1, 0.6)
        hint = f"; {nearest[0]} is the nearest" if nearest else ""
        if group == "vtep":
            raise BadOption(f"[vtep] {name}: there is no such option{hint}")
        yield f"[DEFAULT] {name}: no application that is loaded has such an option{hint}"


def _check_order(before: Sequence[str], file: str, names: Sequence[str]) -> None:
    """Refuse an option that is given before a file that has it: to oslo.config the last counts."""
    for argument in before:
        option = argument.partition("=")[0]
        if option.removeprefix("--").replace("-", "_") in names and option.startswith("--"):
            raise BadOption(
                f"{option}: {file} has it as well and would win: put it behind the file"
            )


def read() -> Options:
    """Return the options of [vtep]; raises BadOption for a value that one cannot have."""
    directory = os.environ.get("OVS_RUNDIR") or _RUN_DIRECTORY
    cfg.CONF.set_default("OVS_RUNDIR", directory, group="vtep")
    remotes = [_remotes("ovs_db", each) for each in _value("ovs_db")]
    if len(set(remotes)) < len(remotes):
        raise BadOption("[vtep] ovs_db: the same remote is given more than once")
    names = (
        [f"Open_vSwitch of {each}" for each in remotes] if len(remotes) > 1 else ["Open_vSwitch"]
    )
    settings = Settings(**{field.name: _setting(field.name) for field in fields(Settings)})
    vtep_remotes = _remotes("vtep_db", _value("vtep_db"))
    return Options(
        vtep_remotes,
        dict(zip(names, remotes, strict=True)),
        _lock(),
        _ovsdb_tls(",".join([vtep_remotes, *remotes])),
        settings,
        _openflow(),
    )


def _lock() -> str:
    name = str(_value("lock"))
    if not _OVSDB_ID.fullmatch(name):
        raise BadOption(f"[vtep] lock: {name!r} is no name for a lock (letters, digits and _)")
    return name


def _openflow() -> OpenFlow:
    """Return where to listen. TLS by halves is refused: os-ken would do without it."""
    host = str(cfg.CONF.ofp_listen_host)
    files = {f"[DEFAULT] {name}": getattr(cfg.CONF, name) for name in OPENFLOW_TLS}
    if cfg.CONF.ofp_ssl_listen_port is None and not any(files.values()):
        return OpenFlow(host, _port("ofp_tcp_listen_port"), "ofp_tcp_listen_port")
    if cfg.CONF.ofp_ssl_listen_port is None:
        cfg.CONF.set_default("ofp_ssl_listen_port", _OPENFLOW_PORT)
    tls = _tls(files, "TLS for OpenFlow needs it")
    port = _port("ofp_ssl_listen_port")
    return OpenFlow(host, port, "ofp_ssl_listen_port", tls, cfg.CONF.ciphers)


def _port(option: str) -> int:
    port = getattr(cfg.CONF, option)
    if not isinstance(port, int) or not 1 <= port <= 65535:
        raise BadOption(f"[DEFAULT] {option}: {port} is no port (1 to 65535)")
    return port


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
        if not path:
            raise BadOption(f"{name}: no file is given, and {why}")
        if not os.path.isfile(path):
            raise BadOption(f"{name}: there is no file {path}, and {why}")
    tls = Tls(*map(str, files.values()))
    key, certificate, ca = files
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    for name, path in ((ca, tls.ca), (certificate, tls.certificate)):
        try:
            context.load_verify_locations(path)
        except ssl.SSLError:
            raise BadOption(f"{name}: {path} holds no certificate in PEM format") from None
        except OSError as error:
            raise BadOption(f"{name}: {path}: {error.strerror}") from None
    try:
        context.load_cert_chain(tls.certificate, tls.key, password="")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"{tls.key} is not the key of {tls.certificate}"
            raise BadOption(f"{key}, {certificate}: {reason}") from None
        reason = f"{tls.key} holds no private key in PEM format, or one with a password"
        raise BadOption(f"{key}: {reason}") from None
    except OSError as error:
        raise BadOption(f"{key}: {tls.key}: {error.strerror}") from None
    return tls


def _value(name: str) -> Any:
    try:
        return getattr(cfg.CONF.vtep, name)
    except (NoSuchOptError, TemplateSubstitutionError):
        raise BadOption(
            f"[vtep] {name}: after a $ only OVS_RUNDIR or an option can stand; write $$ for a $"
        ) from None
    except ValueError as error:
        # oslo.config's text begins with where it found the value, in words for its developers.
        raise BadOption(f"[vtep] {name}: {str(error).split('is not valid: ')[-1]}") from None


def _setting(name: str) -> Any:
    value = _value(name)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise BadOption(f"[vtep] {name}: {'no value' if value is None else value} does not do")
    return value


def _remotes(name: str, text: str) -> str:
    remotes = [each.strip() for each in text.split(",")]
    for each in remotes:
        matched = _OVSDB_REMOTE.fullmatch(each)
        if not matched or not 1 <= int(matched["port"] or 1) <= 65535:
            raise BadOption(
                f"[vtep] {name}: {each!r} is no OVSDB remote "
                "(unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT)"
            )
    return ",".join(remotes)
