"""The command vtep-ofapp-web: serves metrics and a page about a running application."""

import argparse
import logging
import signal
import socket
import sys
from collections.abc import Sequence

from ..process.unixctl_client import NAME
from ..version import VERSION
from .application import Application
from .server import Server

_LISTEN = "127.0.0.1:9475"


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal ends it. Exits with code 1 if that is not possible."""
    words = parser().parse_args(arguments)
    try:
        from .pages import Pages  # what it needs is an extra of the package
    except ModuleNotFoundError as error:
        sys.exit(f"vtep-ofapp-web: {error.name} is missing: pip install 'vtep-ofapp[web]'")
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
    made = argparse.ArgumentParser(
        prog="vtep-ofapp-web",
        description="Serve metrics, health and a page about a running vtep_ofapp, which is asked "
        "over its control socket.",
    )
    made.add_argument(
        "--listen",
        metavar="ADDRESS:PORT",
        type=_address,
        default=_LISTEN,
        help="where to listen; each client can read all that the page shows (%(default)s)",
    )
    made.add_argument(
        "--target",
        metavar="NAME|SOCKET",
        default=NAME,
        help="the application: the name of its pidfile in $OVS_RUNDIR, or the path of its control "
        "socket (%(default)s)",
    )
    made.add_argument(
        "--allow-host",
        metavar="NAME",
        action="append",
        default=[],
        help="a name by which clients find this server, beside its addresses, localhost and the "
        "name of this host",
    )
    made.add_argument("--version", action="version", version=f"vtep-ofapp {VERSION}")
    return made


def _address(text: str) -> tuple[str, int]:
    """Return the address and the port of ADDRESS:PORT; an IPv6 address has brackets."""
    address, _, port = text.rpartition(":")
    if not address or not port.isdecimal() or not 0 <= int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not ADDRESS:PORT")
    return address.strip("[]"), int(port)


if __name__ == "__main__":
    main()
