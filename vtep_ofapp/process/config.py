"""Read and check the configuration, and set safer defaults for some of os-ken's options."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import os_ken.base.app_manager  # noqa: F401  (it declares ofp_listen_host and others)
from os_ken import cfg
from oslo_config.cfg import Error, NoSuchOptError, TemplateSubstitutionError

from ..values.listen_address import ListenAddress
from . import unused_options
from .options import OPTIONS, BadOption
from .settings import Settings
from .tls_files import Tls, are_ciphers, read_tls
from .unixctl_client import run_directory

_OVSDB_REMOTE = re.compile(r"unix:.+|(tcp|ssl):([^:\[\]]+|\[[0-9a-fA-F:]+\]):(?P<port>[0-9]{1,5})")
_OVSDB_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""An <id> of OVSDB (RFC 7047, 3.1)."""
_OPENFLOW_PORT = 6653
OPENFLOW_TLS = ("ctl_privkey", "ctl_cert", "ca_certs")
"""os-ken's options for TLS: our key, its certificate, and the CA of the switches."""
_OVSDB_TLS = ("ssl_key", "ssl_cert", "ssl_ca")
_OF_CONNECTIONS = {
    "socket_timeout": 0.001,
    "echo_request_interval": 0.001,
    "maximum_unreplied_echo_requests": 0,
}
"""os-ken's numbers that it reads for each connection and not before, with the least of each."""
_OF_OS_KEN = (
    "ofp_listen_host",
    "ofp_tcp_listen_port",
    "ofp_ssl_listen_port",
    *OPENFLOW_TLS,
    "ciphers",
    *_OF_CONNECTIONS,
    "log_file",
    "log_dir",
    "log_config_file",
)
"""os-ken's options that shape what we do."""


@dataclass(frozen=True)
class OpenFlow:
    """The address to listen on for OpenFlow; ``option`` is the name of the option for the port.

    With ``tls`` connections without TLS are refused. ``ciphers`` is an OpenSSL cipher list.
    ``socket`` is the path of a Unix socket to listen on as well, None without one.
    """

    host: str
    port: int
    option: str
    tls: Tls | None = None
    ciphers: str | None = None
    socket: str | None = None


@dataclass(frozen=True)
class Options:
    """The options of [vtep]; ``ovs_db`` has the remotes of each Open_vSwitch by its name.

    ``tls`` is for ssl: remotes, None if there are none. ``openflow`` comes from [DEFAULT].
    ``pidfile``, ``unixctl`` and ``record`` are paths, None where the option is not given.
    """

    vtep_db: str
    ovs_db: Mapping[str, str]
    lock: str
    tls: Tls | None
    settings: Settings
    openflow: OpenFlow
    pidfile: str | None = None
    unixctl: str | None = None
    record: str | None = None

    @property
    def listener(self) -> ListenAddress:
        """The address that bridges connect to; those of this host may use loopback."""
        is_local = all(remotes.startswith("unix:") for remotes in self.ovs_db.values())
        method = "tcp" if self.openflow.tls is None else "ssl"
        at = self.openflow
        return ListenAddress(method, at.host, at.port, is_local, at.socket)

    @property
    def mark(self) -> str:
        """The mark of bridges that a process with this lock and database manages."""
        return f"{self.lock}@{self.vtep_db}"


def register() -> None:
    """Register our options with oslo.config, and listen on loopback by default."""
    cfg.CONF.register_opts(OPTIONS, group="vtep")
    cfg.CONF.register_opt(
        cfg.StrOpt("OVS_RUNDIR"), group="vtep"
    )  # for $OVS_RUNDIR in other options
    cfg.CONF.set_default("ofp_listen_host", "127.0.0.1")
    cfg.CONF.set_default("ofp_tcp_listen_port", _OPENFLOW_PORT)
    cfg.CONF.set_default("echo_request_interval", 5.0)
    cfg.CONF.set_default("maximum_unreplied_echo_requests", 3)


def load(file: str | None) -> list[str]:
    """Read a configuration file without running the application.

    Returns a warning for each option that may be another application's. Raises BadOption, whose
    text begins with the name of the file.
    """
    register()
    arguments = ["--config-file", file] if file else []
    try:
        cfg.CONF(arguments, default_config_files=[])
        return unused_options.check(arguments)
    except (Error, OSError, ValueError) as error:  # BadOption is a ValueError
        raise BadOption(f"{file}: {' '.join(str(error).split())}") from None


def read() -> Options:
    """Return the options of [vtep]; raises BadOption for a value that is not valid."""
    cfg.CONF.set_default("OVS_RUNDIR", run_directory(), group="vtep")
    remotes = [_remotes("ovs_db", each) for each in _value("ovs_db")]
    if len(set(remotes)) < len(remotes):
        raise BadOption("[vtep] ovs_db: the same remote is given more than once")
    names = (
        [f"Open_vSwitch of {each}" for each in remotes] if len(remotes) > 1 else ["Open_vSwitch"]
    )
    settings = Settings(**{field.name: _value(field.name) for field in fields(Settings)})
    vtep_remotes = _remotes("vtep_db", _value("vtep_db"))
    return Options(
        vtep_remotes,
        dict(zip(names, remotes, strict=True)),
        _lock(),
        _ovsdb_tls(",".join([vtep_remotes, *remotes])),
        settings,
        _openflow(),
        _value("pidfile"),
        _value("unixctl"),
        _value("record"),
    )


def shown() -> dict[str, str]:
    """Return our options, and those of os-ken that shape what we do, as text for people.

    A file of a key is named, not read. Several values of one option have spaces between them.
    """
    values = {f"[DEFAULT] {name}": getattr(cfg.CONF, name, None) for name in _OF_OS_KEN}
    values |= {f"[vtep] {option.name}": _value(option.name) for option in OPTIONS}
    return {
        name: " ".join(value) if isinstance(value, list) else str(value)
        for name, value in values.items()
    }


def _lock() -> str:
    name = str(_value("lock"))
    if not _OVSDB_ID.fullmatch(name):
        raise BadOption(f"[vtep] lock: {name!r} is not a lock name (letters, digits and _)")
    return name


def _openflow() -> OpenFlow:
    """Return the address to listen on.

    Incomplete TLS options are refused: os-ken would listen without TLS.
    """
    _check_numbers()
    host, socket = str(cfg.CONF.ofp_listen_host), _socket()
    files = {f"[DEFAULT] {name}": getattr(cfg.CONF, name) for name in OPENFLOW_TLS}
    if cfg.CONF.ofp_ssl_listen_port is None and not any(files.values()):
        option = "ofp_tcp_listen_port"
        return OpenFlow(host, _port(option), option, socket=socket)
    if cfg.CONF.ofp_ssl_listen_port is None:
        cfg.CONF.set_default("ofp_ssl_listen_port", _OPENFLOW_PORT)
    tls = read_tls(files, "TLS for OpenFlow needs it")
    port = _port("ofp_ssl_listen_port")
    ciphers = cfg.CONF.ciphers
    if ciphers is not None and not are_ciphers(ciphers):
        raise BadOption(f"[DEFAULT] ciphers: {ciphers!r} is not a list of OpenSSL's ciphers")
    return OpenFlow(host, port, "ofp_ssl_listen_port", tls, ciphers, socket)


def _socket() -> str | None:
    """Return the path of the Unix socket to listen on, None without one.

    The kernel gives a socket without a path an abstract name, to which every user may connect.
    """
    path: str | None = _value("openflow_socket")
    if path is not None and not path.startswith("/"):
        raise BadOption(f"[vtep] openflow_socket: {path!r} is not an absolute path")
    return path


def _port(option: str) -> int:
    port = getattr(cfg.CONF, option)
    if not isinstance(port, int) or not 1 <= port <= 65535:
        raise BadOption(f"[DEFAULT] {option}: {port} is not a port (1 to 65535)")
    return port


def _check_numbers() -> None:
    """Refuse options on which every connection would fail."""
    for name, least in _OF_CONNECTIONS.items():
        try:
            value = getattr(cfg.CONF, name)
        except ValueError as error:
            # Python's text ends with the value, oslo.config's about a bound does not have it.
            value = (re.findall("'.*'$", _reason(error)) or ["a negative number"])[0]
        if not isinstance(value, int | float) or not least <= value < math.inf:
            what = "no value" if value is None else value
            raise BadOption(f"[DEFAULT] {name}: {what} is not a number of at least {least:g}")


def _ovsdb_tls(remotes: str) -> Tls | None:
    files = {f"[vtep] {name}": _value(name) for name in _OVSDB_TLS}
    if "ssl:" in remotes:
        return read_tls(files, "an ssl: remote needs it")
    for name, path in files.items():
        if path is not None:
            raise BadOption(f"{name}: it is given, but no remote begins with ssl:")
    return None


def _value(name: str) -> Any:
    try:
        return getattr(cfg.CONF.vtep, name)
    except (NoSuchOptError, TemplateSubstitutionError):
        raise BadOption(
            f"[vtep] {name}: only OVS_RUNDIR or an option may follow a $; write $$ for a $"
        ) from None
    except ValueError as error:
        raise BadOption(f"[vtep] {name}: {_reason(error)}") from None


def _reason(error: ValueError) -> str:
    """Return oslo.config's text without the place of the value, in words for its developers."""
    return str(error).split("is not valid: ")[-1]


def _remotes(name: str, text: str) -> str:
    remotes = [each.strip() for each in text.split(",")]
    for each in remotes:
        matched = _OVSDB_REMOTE.fullmatch(each)
        if not matched or not 1 <= int(matched["port"] or 1) <= 65535:
            raise BadOption(
                f"[vtep] {name}: {each!r} is not an OVSDB remote "
                "(unix:PATH, tcp:HOST:PORT or ssl:HOST:PORT)"
            )
    return ",".join(remotes)
