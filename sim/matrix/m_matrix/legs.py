"""The legs of the matrix as data, and what runs in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]

PACKAGES = (
    *("openvswitch-switch", "openvswitch-vtep", "ovn-central", "ovn-host", "ovn-controller-vtep"),
    *("ethtool", "git", "iproute2", "iputils-ping", "openssl", "procps", "python3-venv", "systemd"),
)
"""Debian packages that each leg has."""

OWN_LIBRARIES = ("python3-os-ken", "python3-openvswitch", "python3-eventlet")
"""Debian packages of the libraries that the application runs on."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One release, and where the libraries come from."""

    name: str
    release: str
    libraries: Mapping[str, str] = field(default_factory=dict)
    """Versions from PyPI by name; those that requirements.txt allows if there are none."""
    has_own_libraries: bool = False
    """Whether the libraries are Debian's."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Return its Debian packages."""
        return (*PACKAGES, *OWN_LIBRARIES) if self.has_own_libraries else PACKAGES

    @property
    def what(self) -> str:
        """Return which libraries it has, in words."""
        if self.has_own_libraries:
            return "the libraries of Debian"
        if not self.libraries:
            return "the libraries that requirements.txt allows"
        return ", ".join(f"{name} {version}" for name, version in self.libraries.items())


LEGS = (
    Leg("12-lowest", "bookworm", {"os-ken": "3.0.0", "ovs": "3.1.4", "eventlet": "0.36.0"}),
    Leg("12", "bookworm"),
    Leg("13", "trixie", has_own_libraries=True),
    Leg("13-highest", "trixie", {"os-ken": "4.2.2", "ovs": "4.0.0", "eventlet": "0.41.3"}),
    Leg("sid", "sid", has_own_libraries=True),
)

CHECKS = {
    "switch": ("python", "-m", "pytest", "--numprocesses", "6", "tests/switch"),
    "guide": ("python", "-m", "sim", "demo"),
}
"""What runs in each leg, in the checkout, with the Python of its environment."""
