"""The legs of the matrix, and what runs in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

PACKAGES = (
    *("openvswitch-switch", "openvswitch-vtep", "ovn-central", "ovn-host", "ovn-controller-vtep"),
    *("ethtool", "git", "iproute2", "iputils-ping", "openssl", "procps", "python3-venv", "systemd"),
)
"""Debian packages that each leg has."""

LIBRARIES = {
    "os-ken": "python3-os-ken",
    "ovs": "python3-openvswitch",
    "eventlet": "python3-eventlet",
}
"""The libraries that the application runs on, and the Debian packages that have them."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A Debian release, and the libraries that the application runs on in it."""

    name: str
    number: str
    """The release as people call it."""
    release: str
    pinned: Mapping[str, str] = field(default_factory=dict)
    """Versions of the libraries, from PyPI. Without any they are those of Debian, or, where those
    are too old, the highest that requirements.txt allows."""
    has_debians: bool = False
    """Whether the libraries are Debian's."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Return its Debian packages."""
        return (*PACKAGES, *LIBRARIES.values()) if self.has_debians else PACKAGES

    @property
    def libraries(self) -> str:
        """Return which libraries it has, in words."""
        if self.has_debians:
            return "libraries of Debian"
        if self.pinned:
            return ", ".join(f"{name} {version}" for name, version in self.pinned.items())
        return "libraries as requirements.txt has them"


LEGS = (
    Leg("12-lowest", "12", "bookworm", {"os-ken": "3.0.0", "ovs": "3.1.4", "eventlet": "0.36.0"}),
    Leg("12", "12", "bookworm"),
    Leg("13", "13", "trixie", has_debians=True),
    Leg("13-highest", "13", "trixie", {"os-ken": "4.2.2", "ovs": "4.0.0", "eventlet": "0.41.3"}),
    Leg("sid", "sid", "sid", has_debians=True),
)
"""The lowest versions are those that setup.py allows. The highest are named, so that a leg changes
with a commit and not with a day; sid changes by itself."""

PYTEST = ("python", "-m", "pytest", "-q", "--numprocesses", "6")

CHECKS = {
    "guide": ("python", "-m", "sim", "demo"),
    "switch": (*PYTEST, "tests/switch"),
    "OVN": (*PYTEST, "tests/nvcs/test_ovn*.py"),
}
"""What runs in each leg, in the checkout, with the Python of its environment."""
