"""Debian releases, unpacked with mmdebstrap and kept."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from sim.command import Refused

TREES = Path(__file__).resolve().parents[2] / ".trees"
"""Where releases are kept. Git ignores it, `make clean` removes it."""

COMPLETE = "complete"
"""The file beside a release's files that says that all of them are there."""

OPTIONS = ("--variant=apt", "--dpkgopt=force-unsafe-io")
"""Essential packages and apt. dpkg writes without waiting for the disk."""

ALONE = (
    *("setpriv", "--pdeathsig", "KILL"),
    *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
)
"""How mmdebstrap runs: its processes and mounts end with the process that needs the release, even
if that is killed. As root it would make its mounts, of /sys for example, among the machine's."""

ALWAYS = ("mount",)
"""Packages that entering a tree needs, which newer releases do not count as essential."""

APT = (
    *("Acquire::Check-Valid-Until", "Acquire::Check-Date"),
    *("Acquire::http::Proxy", "Acquire::https::Proxy"),
)
"""Settings of apt on this machine that a tree needs to reach the same archive."""

_REASONS = (
    (r"E: Unable to locate package (\S+)", "Debian {release} has no package {0}"),
    (r"E: Package '?(\S+?)'? has no installation candidate", "Debian {release} has no package {0}"),
    (r"does not have a Release file", "Debian has no release {release}"),
    (r"Could not resolve '(\S+?)'", "Debian {release} cannot be unpacked: no address of {0}"),
    (r"No space left on device", "Debian {release} cannot be unpacked: no space left on device"),
)


def unpack(release: str, packages: Sequence[str] = (), folder: Path = TREES) -> Path:
    """Return a folder with a release and packages of it; unpacks them if it is not there yet.

    Of two processes that need the same folder one unpacks it and the other waits. What an
    interrupted process has left is removed. Raises Refused with one line: without root, without
    mmdebstrap, for a folder that cannot be made, if Debian has no such release or package, or if it
    cannot be reached.
    """
    place = folder / name_of(release, packages)
    root = place / "root"
    if (place / COMPLETE).exists():
        return root
    check_machine()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{place}: {error.strerror}") from None
    with _locked(place / "lock"):
        if not (place / COMPLETE).exists():
            shutil.rmtree(root, ignore_errors=True)
            try:
                _unpack(release, packages, root)
            except BaseException:
                shutil.rmtree(root, ignore_errors=True)
                raise
            (place / COMPLETE).write_text(" ".join([release, *sorted(packages)]) + "\n")
    return root


def name_of(release: str, packages: Sequence[str]) -> str:
    """Return the name of the folder of a release with these packages, in whatever order.

    Raises Refused for what cannot be the name of a release or of a package.
    """
    if not re.fullmatch(r"[a-z]+", release):
        raise Refused(f"no Debian release has the name {release!r}; one is trixie")
    for package in packages:
        if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", package):
            raise Refused(f"no Debian package has the name {package!r}")
    words = " ".join([*OPTIONS, *sorted({*ALWAYS, *packages})])
    return f"{release}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"


def check_machine() -> None:
    """Raise Refused, with the reason, if no release can be unpacked or entered here."""
    if os.geteuid() != 0:
        raise Refused("a Debian tree is unpacked and entered by root: use sudo")
    if not shutil.which("mmdebstrap"):
        raise Refused("mmdebstrap is missing; install the Debian package mmdebstrap")


def reason(release: str, output: str) -> str:
    """Return in one line why mmdebstrap failed, from what it printed."""
    for pattern, text in _REASONS:
        if found := list(dict.fromkeys(re.findall(pattern, output))):
            return text.format(", ".join(found), release=release)
    errors = re.findall(r"^E: (.+)$", output, re.MULTILINE) or output.strip().splitlines()[-1:]
    return f"Debian {release} cannot be unpacked: {errors[0] if errors else 'no reason given'}"


def _unpack(release: str, packages: Sequence[str], root: Path) -> None:
    """Let mmdebstrap unpack a release; it takes its packages from its default mirror."""
    include = ",".join(sorted({*ALWAYS, *packages}))
    options = [*OPTIONS, *(f"--aptopt={setting}" for setting in apt_settings())]
    done = subprocess.run(
        [*ALONE, "mmdebstrap", *options, f"--include={include}", release, str(root)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise Refused(reason(release, done.stdout))


def apt_settings() -> list[str]:
    """Return those settings of apt on this machine, as apt reads them."""
    command = ["apt-config", "dump", "--no-empty", "--format", '%f "%v";%n', *APT]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return said.splitlines()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
