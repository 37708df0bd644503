"""The Debian package is built, installed, upgraded and purged in Debian 13, and works there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from sim.debian import package
from sim.debian.release import unpack
from sim.debian.tree import Bound, Tree
from sim.lab.process import CHECKOUT
from sim.waiting import wait_until
from tests.docs.pages import ROOT
from vtep_ofapp.version import VERSION

OLDER = f"{VERSION}~older"
README = ROOT / "etc" / "debian" / "vtep-ofapp.README.Debian"
SYSTEM = "/usr/lib/systemd/system"
OPEN_VSWITCH = (
    "mkdir -p /run/openvswitch /etc/openvswitch",
    "ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema",
    "ovsdb-server --detach --no-chdir --pidfile --log-file --remote=punix:/run/openvswitch/db.sock"
    " /etc/openvswitch/conf.db",
    "ovs-vsctl --no-wait init",
    "ovs-vswitchd --detach --no-chdir --pidfile --log-file --enable-dummy=override"
    " --disable-system",
    "ovs-vsctl add-br br0 -- add-port br0 p0",
)
"""Open vSwitch as its package starts it, with dummies in place of devices."""


class Packages(NamedTuple):
    """The package, the same under an older version, and what `make deb` printed."""

    newer: Path
    older: Path
    said: str


class Machine:
    """A Debian 13 with what the package depends on and recommends, and Open vSwitch running."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        tree.run(["ip", "netns", "add", "here"])  # nobody else has its ports
        self.do("ip link set lo up")
        for line in OPEN_VSWITCH:
            self.do(line)

    def do(self, line: str, *, check: bool = True) -> str:
        """Run a line of a shell, and return what it wrote."""
        return self.tree.run(["ip", "netns", "exec", "here", "sh", "-c", line], check=check)

    def begin(self, line: str) -> None:
        """Start a command that stays; what it writes goes to /root/said."""
        self.do(f"setsid {line} >>/root/said 2>&1 &")

    def install(self, package: Path) -> str:
        """Install a package with apt."""
        return self.do(f"apt-get install --yes /packages/{package.name}")

    def service(self, name: str) -> str:
        """Return the command that systemd would run for a service."""
        unit = self.do(f"cat {SYSTEM}/{name}.service")
        (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
        return str(command)

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Wait for a condition."""
        evidence = lambda: self.do("cat /root/said; vtep-ofapp show", check=False)  # noqa: E731
        wait_until(condition, what, timeout=60, interval=0.2, evidence=evidence)

    def manages_br0(self) -> bool:
        """Whether the running application controls the bridge."""
        return "status: in charge of br0\n" in self.do("vtep-ofapp show", check=False)

    def has_flows(self) -> bool:
        """Whether the bridge has flows."""
        return "cookie=" in self.do("ovs-ofctl -O OpenFlow13 dump-flows br0")


def typed(section: str) -> list[str]:
    """Return the commands that README.Debian has in a section, but those for systemd."""
    text = README.read_text().partition(f"\n{section}\n---")[2].partition("\n---")[0]
    lines = [line.strip().partition("  # ")[0] for line in re.findall("^    .+$", text, re.M)]
    assert lines
    return [line for line in lines if not line.startswith(("systemctl ", "OVS_CTL_OPTS="))]


@pytest.fixture(scope="module")
def root() -> Path:
    """The release with what the package needs and recommends, beside the one that builds it."""
    to_run = [*package.named("Depends"), *package.named("Recommends"), "iproute2", "man-db"]
    with ThreadPoolExecutor() as pool:
        builder = pool.submit(package.builder)
        root = unpack(package.RELEASE, to_run)
        builder.result()
    return root


@pytest.fixture(scope="module")
def packages(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Packages:
    folder, files = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("older")
    said = run(sys.executable, "-m", "sim.debian.package", folder)
    (newer,) = folder.glob("*.deb")
    run("dpkg-deb", "--raw-extract", newer, files / "all")
    control = files / "all/DEBIAN/control"
    control.write_text(re.sub("(?m)^Version: .*$", f"Version: {OLDER}", control.read_text()))
    run("dpkg-deb", "--root-owner-group", "--build", files / "all", folder)
    return Packages(newer, folder / f"vtep-ofapp_{OLDER}_all.deb", said)


@pytest.fixture
def machine(root: Path, packages: Packages) -> Iterator[Machine]:
    with Tree(root, [Bound(packages.newer.parent, "/packages")]) as tree:
        yield Machine(tree)


def run(*argv: str | Path) -> str:
    """Run a command that must succeed; return what it prints."""
    done = subprocess.run(argv, capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_it_is_built_in_the_version_of_the_checkout_and_lintian_is_content(
    packages: Packages,
) -> None:
    first, *others = packages.said.splitlines()
    assert first == str(packages.newer)
    assert [line.partition(" ")[0] for line in others] == ["It"]
    version = packages.newer.name.split("_")[1]
    assert re.fullmatch(rf"{re.escape(VERSION)}(\+git\d{{8}}\.\d{{6}})?", version)


def test_a_machine_that_cannot_build_it_says_why_in_one_line(tmp_path: Path) -> None:
    """Debian 12; a package and git, without which nobody knows the version, that are not there."""
    here = subprocess.run(
        [CHECKOUT / package.SCRIPT, tmp_path / "new"], capture_output=True, text=True, check=False
    )
    assert here.returncode == 1
    assert re.fullmatch(r"etc/debian/build: debian 12 is too old .*\n", here.stderr)
    assert not (tmp_path / "new").exists()
    with package.builder() as tree:
        argv = [f"/checkout/{package.SCRIPT}", "/root/new"]
        said = tree.run(argv, check=False)
        assert said.endswith(
            "/build: git is missing, which knows the version: apt-get install git\n"
        )
        tree.run(["dpkg", "--remove", "--force-depends", "dh-python"])
        said += tree.run(argv, check=False)
        assert said.endswith("/build: packages are missing: apt-get install dh-python\n")
        assert len(said.splitlines()) == 2
        assert not tree.run(["ls", "/root"])


def check_page(machine: Machine) -> None:
    machine.begin(machine.service("vtep-ofapp-web"))
    ask = (
        "from urllib.request import urlopen; print(urlopen('http://127.0.0.1:9475/healthz').status)"
    )
    machine.wait(
        lambda: "200" in machine.do(f"python3 -c {shlex.quote(ask)}", check=False), "its health"
    )


def check_manual(machine: Machine) -> None:
    for page in ("vtep-ofapp", "vtep-ofapp-web", "vtep-ofapp.conf"):
        assert VERSION in machine.do(f"MANPAGER=cat man {page}")
    completion = "/usr/share/bash-completion/completions/vtep-ofapp"
    assert "vtep-ofapp" in machine.do(f"bash -c '. {completion}; complete -p'")


def test_it_is_installed_started_upgraded_and_purged(machine: Machine, packages: Packages) -> None:
    said = machine.install(packages.older)
    assert re.search(r"NEW packages will be installed:\s+vtep-ofapp\s", said), said
    # Open vSwitch is as before, and nothing of ours runs.
    assert machine.do("ovsdb-client list-dbs").split() == ["Open_vSwitch", "_Server"]
    assert "does not run" in machine.do("vtep-ofapp show", check=False)
    assert not machine.do("find /etc/systemd/system -name '*vtep*'")
    assert machine.do("dpkg -S /usr/bin/osken-manager").startswith("python3-os-ken: ")

    service = machine.service("vtep_ofapp")
    machine.do("vtep-ofapp check-config /etc/vtep_ofapp.conf")
    machine.begin(service)
    machine.wait(
        lambda: (
            "it has no database hardware_vtep; to give it one: " in machine.do("cat /root/said")
        ),
        "what to type",
    )
    for line in typed("Start it"):
        machine.do(line)
    machine.wait(machine.manages_br0, "control of br0")
    machine.wait(lambda: "p0" in machine.do("vtep-ctl list-ports br0"), "its port")
    machine.do("vtep-ctl add-ls ls0 -- bind-ls br0 p0 0 ls0")
    machine.wait(lambda: "ls0" in machine.do("vtep-ofapp port/show"), "the binding")
    check_page(machine)
    check_manual(machine)

    machine.do("echo '# mine' >>/etc/vtep_ofapp.conf")
    machine.install(packages.newer)
    assert OLDER not in machine.do("dpkg-query --show vtep-ofapp")
    assert machine.do("tail -n 1 /etc/vtep_ofapp.conf") == "# mine\n"
    machine.do("vtep-ofapp exit")
    machine.begin(service)
    machine.wait(machine.manages_br0, "control of br0 by the newer version")

    assert machine.has_flows()
    machine.do("vtep-ofapp exit")
    for line in typed("Remove it"):
        machine.do(line)
    assert not machine.has_flows()
    machine.do("apt-get purge --yes vtep-ofapp")
    left = machine.do("find / -xdev -iname '*vtep[-_]ofapp*'").split()
    assert not [each for each in left if not each.startswith("/var/cache/man/")]
    assert "osken-manager" in machine.do("osken-manager --help")
