"""The address on which we listen for OpenFlow, and the targets of Controller rows that mean it."""

import re
from dataclasses import dataclass
from pathlib import PurePath

_TARGET = re.compile(r"(?P<method>tcp|ssl):(?P<host>\[[^]]*\]|[^:]*)(:(?P<port>[0-9]+))?")
_DEFAULT_PORT = "6653"
_LOOPBACK = re.compile(r"127\..*|localhost|::1")
_ANYWHERE = ("", "0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """The address on which we listen for OpenFlow; ``method`` is tcp or ssl.

    ``is_local`` says that all bridges are on this host. ``socket`` is the path of a Unix socket on
    which we listen as well.
    """

    method: str = "tcp"
    host: str = "127.0.0.1"
    port: int = 6653
    is_local: bool = True
    socket: str | None = None

    @property
    def target(self) -> str:
        """The target of a Controller row for this address."""
        host = self.host
        if host in _ANYWHERE:
            host = "127.0.0.1" if self.is_local else "ADDRESS"
        return f"{self.method}:{f'[{host}]' if ':' in host else host}:{self.port}"

    def is_meant_by(self, target: str) -> bool:
        """Whether the target of a Controller row is this address, or a host name that may be.

        Of a Unix socket the name alone decides: Open vSwitch connects to those of one folder only.
        """
        if target.startswith("unix:"):
            return (
                self.socket is not None and PurePath(target[5:]).name == PurePath(self.socket).name
            )
        parts = _TARGET.fullmatch(target)
        if not parts or parts["method"] != self.method:
            return False
        if (parts["port"] or _DEFAULT_PORT) != str(self.port):
            return False
        host = parts["host"].strip("[]")
        if _LOOPBACK.fullmatch(self.host):
            return _LOOPBACK.fullmatch(host) is not None
        is_name = any(character.isalpha() for character in host) and ":" not in host
        return self.host in _ANYWHERE or host == self.host or is_name


ON_LOOPBACK = ListenAddress()
"""The default address."""
