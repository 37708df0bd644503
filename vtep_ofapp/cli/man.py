"""The man pages of the two commands and of vtep-ofapp.conf, made from the code as ``--help`` is."""

import re
from collections.abc import Iterable, Iterator

from ..commands.registry import COMMANDS
from ..version import VERSION
from ..web.__main__ import DESCRIPTION, FLAGS
from . import usage
from .flags import ASKING, INFORMING, OF_OS_KEN, OURS

_DESCRIPTION = (
    "vtep_ofapp makes Open vSwitch bridges VXLAN tunnel endpoints (VTEPs), driven by the "
    "hardware_vtep database, whose schema vtep(5) describes. It takes the place of ovs-vtep.",
    "Each Physical_Switch row names a bridge. vtep_ofapp controls it by OpenFlow 1.3, and reports "
    "what it learns in the same database. Forwarding goes on while it does not run.",
)
_CONFIGURATION = (
    "The file that --config-file names has groups of options, each a line NAME = VALUE. A line "
    "that begins with # is a comment. An option with a wrong value, or one in [vtep] that does "
    "not exist, ends the start with one line; vtep-ofapp check-config FILE looks for them.",
    "In [vtep] $OVS_RUNDIR stands for the run directory of Open vSwitch, and $$ for a $.",
)
_SIGNALS = {
    "SIGTERM, SIGINT": "End the process, with exit code 0. The bridges keep their flows.",
    "SIGUSR1": "Log how many messages and transactions were sent.",
}
_CODES = {
    "0": "The process was ended, a file is right, or a command was answered.",
    "1": "The application could not start, a file is wrong, or no application answers.",
    "2": "The command line is wrong, or the application refused a command.",
}
_ENVIRONMENT = {
    "OVS_RUNDIR": "The run directory of Open vSwitch; /var/run/openvswitch if it is not set.",
    "NOTIFY_SOCKET, WATCHDOG_USEC": "What systemd wants to be told; see sd_notify(3).",
    "OSKEN_HUB_TYPE": "What os-ken runs on. Only eventlet is possible, and the default.",
}
_FILES = {
    "$OVS_RUNDIR/vtep_ofapp.pid": "The process id, by which commands find the process.",
    "$OVS_RUNDIR/vtep_ofapp.PID.ctl": "The socket on which commands are answered, if the "
    "pidfile is the one above.",
}
_SEE_ALSO = "vtep-ofapp.conf(5)", "vtep-ofapp-web(8)", "vtep(5)", "vtep-ctl(8)", "ovs-appctl(8)"

Entries = Iterable[tuple[str, str]]


def command_page() -> str:
    """Return vtep-ofapp(8)."""
    flags = map(usage.entry, (*OF_OS_KEN, *OURS, *INFORMING, *ASKING))
    commands = ((f"{each.name} {each.usage}".rstrip(), each.summary) for each in COMMANDS)
    return _page(
        ("VTEP-OFAPP", 8),
        (
            _section(
                "NAME", _text("vtep-ofapp - run a VXLAN tunnel endpoint, or ask a running one")
            ),
            _section("SYNOPSIS", _synopsis()),
            _section("DESCRIPTION", _paragraphs(_DESCRIPTION), _list(usage.ACTIONS.items())),
            _section("FLAGS", _list(flags)),
            _section("COMMANDS", _list(commands)),
            _section("SIGNALS", _list(_SIGNALS.items())),
            _section("EXIT STATUS", _list(_CODES.items())),
            _section("ENVIRONMENT", _list(_ENVIRONMENT.items())),
            _section("FILES", _list(_FILES.items())),
            _section("SEE ALSO", _text(", ".join(_SEE_ALSO))),
        ),
    )


def configuration_page() -> str:
    """Return vtep-ofapp.conf(5)."""
    return _page(
        ("VTEP-OFAPP.CONF", 5),
        (
            _section("NAME", _text("vtep-ofapp.conf - configuration of vtep-ofapp")),
            _section("DESCRIPTION", _paragraphs(_CONFIGURATION)),
            _section("OPTIONS IN [DEFAULT]", _list(_options(usage.options_of_os_ken()))),
            _section("OPTIONS IN [vtep]", _list(_options(usage.options_of_vtep()))),
            _section("SEE ALSO", _text("vtep-ofapp(8), vtep(5)")),
        ),
    )


def web_page() -> str:
    """Return vtep-ofapp-web(8)."""
    flags = ((f"{name} {value}", text) for name, (value, text) in FLAGS.items())
    return _page(
        ("VTEP-OFAPP-WEB", 8),
        (
            _section("NAME", _text("vtep-ofapp-web - serve metrics and a page about vtep-ofapp")),
            _section("SYNOPSIS", ["\\fBvtep\\-ofapp\\-web\\fR [FLAG]..."]),
            _section("DESCRIPTION", _paragraphs([DESCRIPTION])),
            _section("FLAGS", _list(flags)),
            _section("SEE ALSO", _text("vtep-ofapp(8)")),
        ),
    )


def _options(options: Iterable[usage.Option]) -> Iterator[tuple[str, str]]:
    for each in options:
        default = "" if each.default == usage.NONE else f" The default is {each.default}."
        yield each.name, f"{each.help}{default}"


def _page(title: tuple[str, int], sections: Iterable[Iterable[str]]) -> str:
    name, section = title
    lines = [
        '.\\" Made from the code by python -m vtep_ofapp.cli.manual',
        f'.TH {name} {section} "" "vtep_ofapp {VERSION}" "vtep_ofapp"',
    ]
    return "\n".join([*lines, *(line for each in sections for line in each)]) + "\n"


def _section(title: str, *bodies: Iterable[str]) -> Iterator[str]:
    yield f'.SH "{title}"'
    for body in bodies:
        yield from body


def _synopsis() -> Iterator[str]:
    for number, form in enumerate(usage.SYNOPSIS):
        yield from [".br"] if number else []
        yield f"\\fBvtep\\-ofapp\\fR {_escaped(form)}"


def _paragraphs(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield ".PP"
        yield from _text(text)


def _list(entries: Entries) -> Iterator[str]:
    for term, text in entries:
        yield ".TP"
        yield f"\\fB{_escaped(term)}\\fR"
        yield from _text(text)


def _text(text: str) -> Iterator[str]:
    """Yield a line for each sentence, as man-pages(7) asks for."""
    yield from map(_escaped, re.split(r"(?<=[.;]) ", text))


def _escaped(text: str) -> str:
    """Return text that roff prints as it stands: no dot or quote begins a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{text}" if text.startswith((".", "\\(aq")) else text
