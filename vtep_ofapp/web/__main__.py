"""The command vtep-ofapp-web: serves metrics and a page about a running application."""

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from ..process.unixctl_client import NAME
from ..version import VERSION
from .application import Application
from .server import Server

_LISTEN = "127.0.0.1:9475"
DESCRIPTION = (
    "Serve metrics, health and a page about a running vtep_ofapp, which is asked over its control "
    "socket."
)
FLAGS: Mapping[str, tuple[str, str]] = {
    "--listen": (
        "ADDRESS:PORT",
        f"Where to listen; each client can read all that the page shows. The default is {_LISTEN}.",
    ),
    "--target": (
        "NAME|SOCKET",
        "The application: the name of its pidfile in $OVS_RUNDIR, or the path of its control "
        f"socket. The default is {NAME}.",
    ),
    "--allow-host": (
        "NAME",
        "A name by which clients find this server, beside its addresses, localhost and the name "
        "of this host.",
    ),
}
"""What stands for the value of each flag, and what it is; for the help and the man page."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal ends it. Exits with code 1 if that is not possible."""
    words = parser().parse_args(arguments)
    try:
        from .pages import Pages  # what it needs is an extra of the package
    except ModuleNotFoundError as error:
        sys.exit(
            f"vtep-ofapp-web: {error.name} is missing: apt install python3-prometheus-client, or "
            "in a virtual environment pip install 'vtep-ofapp[web]'"
        )
    logging.basicConfig(format="%(levelname)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = {socket.gethostname(), *words.allow_host}
    try:
        server = Server(words.listen, names, Pages(Application(words.target)).answer)
    except OSError as error:
        address, port = words.listen
        sys.exit(f"vtep-ofapp-web: {address}, port {port}: {error.strerror or error}")
    except UnicodeError:  # by the look for the address of a name
        sys.exit(f"vtep-ofapp-web: {words.listen[0]!a} is not the name of a host")
    with server:
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="vtep-ofapp-web", description=DESCRIPTION)
    made.add_argument("--listen", type=_address, default=_LISTEN, **_told("--listen"))
    made.add_argument("--target", default=NAME, **_told("--target"))
    made.add_argument("--allow-host", action="append", default=[], **_told("--allow-host"))
    made.add_argument("--version", action="version", version=f"vtep-ofapp {VERSION}")
    return made


def _told(flag: str) -> Mapping[str, Any]:
    value, text = FLAGS[flag]
    return {"metavar": value, "help": text}


def _address(text: str) -> tuple[str, int]:
    """Return the address and the port of ADDRESS:PORT; an IPv6 address has brackets."""
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return address.strip("[]"), int(port)


if __name__ == "__main__":
    main()
