"""What ``vtep-ofapp --help`` says, made from the flags, the options and the commands."""

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import os_ken.log  # noqa: F401  (it declares options of the log)
from os_ken import cfg

from ..commands.registry import COMMANDS
from ..process import config
from ..process.options import OPTIONS
from ..version import VERSION
from .flags import ASKING, INFORMING, OF_OS_KEN, OURS, Flag

SYNOPSIS = (
    "[run] [FLAG]...",
    "check-config FILE",
    "replay FILE [--session N] [--until TURN] [--json] [-v]",
    "[-t TARGET] COMMAND [ARGUMENT]... [--json]",
)
ACTIONS = {
    "run": "Run the application. It stays in the foreground and logs to standard error.",
    "check-config": "Say whether a configuration file is right, with exit code 0, or what is "
    "wrong, with 1.",
    "replay": "Replay what --record recorded, without a switch or a database, and print the flows, "
    "groups, tunnel ports and rows that the application desired at the end.",
    "COMMAND": "Ask the running application. The exit code is 1 if none answers, and 2 if the "
    "command fails or has wrong words.",
}
_OS_KEN = {
    "ofp_listen_host": "Address on which connections of bridges are accepted.",
    "ofp_tcp_listen_port": "TCP port for OpenFlow without TLS.",
    "ofp_ssl_listen_port": "TCP port for OpenFlow with TLS, which needs the next three; there is "
    "then no port without TLS. It is 6653 if they are given.",
    "ctl_privkey": "For TLS, the file with our private key (PEM).",
    "ctl_cert": "For TLS, the file with our certificate (PEM).",
    "ca_certs": "For TLS, the file with the certificate of the CA that signed those of the "
    "bridges (PEM).",
    "ciphers": "For TLS, a list of OpenSSL's ciphers.",
    "echo_request_interval": "Seconds between echo requests to a bridge.",
    "maximum_unreplied_echo_requests": "Echo requests that a bridge may leave unanswered before "
    "its connection is closed; 0 for any number.",
    "socket_timeout": "Seconds for which a bridge may leave what is sent to it unread.",
    "log_file": "File for the log, beside standard error.",
    "log_config_file": "File that configures logging, for Python's logging.config.",
    "use_syslog": "Whether the log goes to syslog, too.",
    "use_stderr": "Whether the log goes to standard error.",
}
"""Options of os-ken that matter to the application. os-ken's own texts have its own defaults."""
_USED = ("pidfile", "unixctl")
"""Options of [vtep] without a default for which their sample is used."""
NONE = "none"
"""What is shown for a default that is not there."""
_WIDTH = 79


@dataclass(frozen=True, slots=True)
class Option:
    """An option of a configuration file, as a text shows it."""

    name: str
    default: str
    help: str


def options_of_os_ken() -> list[Option]:
    """Return the options of the group [DEFAULT] with the defaults that they have here."""
    config.register()
    return [Option(name, _shown(getattr(cfg.CONF, name)), help) for name, help in _OS_KEN.items()]


def options_of_vtep() -> list[Option]:
    """Return the options of the group [vtep]."""
    return [Option(each.name, _default(each), each.help) for each in OPTIONS]


def versions() -> str:
    """Return the versions of vtep_ofapp and of the libraries that it runs on, in one line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in ("os-ken", "ovs", "eventlet"))
    return f"vtep_ofapp {VERSION} ({libraries})"


def help_text() -> str:
    """Return the text of ``vtep-ofapp --help``."""
    sections = (
        _synopsis(),
        _section("Actions:", ACTIONS.items()),
        _section("Flags of run:", map(entry, (*OF_OS_KEN, *OURS, *INFORMING))),
        _section("Options of its file, in [DEFAULT]:", map(_option, options_of_os_ken())),
        _section("Options of its file, in [vtep]:", map(_option, options_of_vtep())),
        _section("Flags of COMMAND:", map(entry, ASKING)),
        _section("Commands:", ((f"{each.name} {each.usage}", each.summary) for each in COMMANDS)),
    )
    return "\n".join(sections)


def entry(flag: Flag) -> tuple[str, str]:
    """Return a flag as it is written, and what it does."""
    return " ".join([", ".join(flag.names), flag.value]).rstrip(), flag.help


def _default(option: cfg.Opt) -> str:
    if option.default is None and option.name not in _USED:
        return NONE
    sample = option.sample_default
    return str(option.default) if sample is None else str(sample)


def _shown(value: object) -> str:
    return NONE if value is None else str(value)


def _synopsis() -> str:
    names = "usage:", *[" " * len("usage:")] * (len(SYNOPSIS) - 1)
    return "".join(
        f"{name} vtep-ofapp {form}\n" for name, form in zip(names, SYNOPSIS, strict=True)
    )


def _option(option: Option) -> tuple[str, str]:
    return f"{option.name} = {option.default}", option.help


def _section(title: str, entries: Iterable[tuple[str, str]]) -> str:
    return "\n".join([title, *(line for each in entries for line in _lines(*each))]) + "\n"


def _lines(term: str, text: str) -> Iterator[str]:
    yield f"  {term.rstrip()}"
    yield from textwrap.wrap(text, _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6)
