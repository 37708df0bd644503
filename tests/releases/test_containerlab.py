"""The topologies for containerlab run with our image: by what their page has one type.

containerlab itself cannot be had here. What it would do, tests/examples/containerlab.py does; the
entry point and the lines of `exec` run in the files of the image.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sim.lab.lifetime import Lifetime
from sim.lab.namespaces import CommandFailed, Namespace
from sim.lab.process import Process
from sim.waiting import wait_until
from tests.docs.pages import ROOT, section
from tests.examples.containerlab import FOLDER, Node, Topology, connect, read
from tests.logs import watched
from tests.releases.images import Container, Store
from tests.switch.dummy import PATIENCE

pytestmark = pytest.mark.timeout(900)  # apt-get in the image

PAGE = ROOT / "docs" / "containerlab.md"
HOST = "host"
IMAGE = "vtep-ofapp:vtep"
CAPABILITIES = ("CAP_NET_ADMIN", "CAP_NET_RAW")
"""Of the many that containerlab gives its nodes, those that are needed."""
TUN = Path("/dev/net/tun")
FOLDERS = {"etc": "/etc/openvswitch", "log": "/var/log/openvswitch", "run": "/run/openvswitch"}
"""What a node has for itself of the image's files."""
ANSWERED = "3 packets transmitted, 3 received, 0% packet loss"


class Place(Process):
    """A node, or the host: a namespace, and the image's files with folders of its own.

    As a process it is the image's entry point.
    """

    NAME = "entry"

    def __init__(self, namespace: Namespace, folder: Path, container: Container | None) -> None:
        """Without a container, commands are those of this machine."""
        super().__init__(namespace, folder)
        self.namespace = namespace
        self._container = container
        self._mounts = {TUN: str(TUN)}
        for name, path in FOLDERS.items():
            (folder / name).mkdir(parents=True)
            self._mounts[folder / name] = path

    def begin(self) -> None:
        """Start it, and return when it runs: buildah makes mounts, and not two at once."""
        said = len(self.log_text)
        self.start()
        wait_until(lambda: len(self.log_text) > said, f"a word in {self.log}", timeout=PATIENCE)

    def command(self) -> list[str]:
        assert self._container
        return self._inside(self._container.main())

    def run(self, argv: Sequence[str]) -> str:
        """Run a command here, and return its output. Raises CommandFailed."""
        command = self._inside(argv) if self._container else argv
        return self.namespace.run(command, timeout=2 * PATIENCE)

    def health(self) -> str:
        """Return what the image's health check prints. Raises CommandFailed if it fails."""
        assert self._container
        return self.run(self._container.health())

    def _inside(self, argv: Sequence[str]) -> list[str]:
        assert self._container
        return self._container.command(argv, mounts=self._mounts, capabilities=CAPABILITIES)


class Lab(Lifetime):
    """A topology of containerlab, and the host on which its page has one type."""

    def __init__(self, topology: Topology, store: Store, image: str) -> None:
        super().__init__("containerlab")
        self.topology = topology
        self.places: dict[str, Place] = {}
        self._store = store
        self._image = image
        self._stack = contextlib.ExitStack()

    def close(self) -> None:
        """Take everything down."""
        with self._stack:
            super().close()

    def add(self, name: str, *, is_ours: bool = True) -> Place:
        """Make a place, with our image or with the tools of this machine."""
        container = (
            self._stack.enter_context(self._store.container(self._image)) if is_ours else None
        )
        namespace = self.state.create_namespace(name)
        place = self.places[name] = Place(namespace, self.state.folder / name, container)
        self._stack.callback(place.kill)
        return place

    def add_host(self) -> None:
        """Make the host: the image's Open vSwitch and application stand for its own."""
        self.add(HOST).begin()

    def deploy(self) -> None:
        """Do what `containerlab deploy` does."""
        bridges = {node.name for node in self.topology.nodes if node.kind == "ovs-bridge"}
        for node in self.topology.nodes:
            if node.name not in bridges:
                is_ours = node.image == IMAGE
                place = self.add(node.name, is_ours=is_ours)
                if is_ours and not node.entrypoint:
                    place.begin()
        connect(
            self.topology,
            {
                node.name: self.places[HOST if node.name in bridges else node.name].namespace
                for node in self.topology.nodes
            },
        )
        for end in (end for link in self.topology.links for end in link.ends):
            if end.node in bridges:
                add = ["ovs-vsctl", "--may-exist", "add-port", end.node, end.interface]
                self.places[HOST].run(add)
        # containerlab configures its nodes at once, too.
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._configure, self.topology.nodes))

    def _configure(self, node: Node) -> None:
        for command in node.commands:
            self.places[node.name].run(command)

    def type(self, line: str) -> str:
        """Do what a line of the page does; return what it prints. Raises CommandFailed."""
        words = shlex.split(line)
        if words[:2] == ["containerlab", "deploy"]:
            self.deploy()
            return ""
        if words[:2] == ["docker", "exec"]:
            node = words[2].removeprefix(f"clab-{self.topology.name}-")
            return self.places[node].run(words[3:])
        return self.places[HOST].run(words)

    def evidence(self) -> str:
        """Return the logs of all entry points."""
        return "\n".join(f"--- {name}\n{place.log_text}" for name, place in self.places.items())


def lines(heading: str) -> list[str]:
    """Return what a section of the page has one type, but for building and destroying."""
    blocks = re.findall(r"^```\n(.*?)^```$", section(PAGE, heading), re.MULTILINE | re.DOTALL)
    typed = [line for block in blocks for line in block.splitlines()]
    return [line for line in typed if not line.startswith(("docker build", "containerlab destroy"))]


@pytest.fixture(scope="module")
def store() -> Store:
    """The images, with that of a whole VTEP."""
    store = Store()
    store.build("vtep")
    return store


@contextlib.contextmanager
def a_lab(file: str, store: Store) -> Iterator[Lab]:
    with Lab(read(FOLDER / file), store, f"localhost/{IMAGE}") as lab, watched(lab.state.folder):
        yield lab


def wait_for_tunnels(lab: Lab, name: str) -> None:
    """Wait until a node is healthy, with tunnels to both others."""

    def is_healthy() -> bool:
        try:
            return "2 of 2 can forward" in lab.places[name].health()
        except CommandFailed:
            return False

    wait_until(is_healthy, f"the health of {name}", timeout=PATIENCE, evidence=lab.evidence)


def test_three_vteps(store: Store) -> None:
    deploy, *looks = lines("Three VTEPs")
    pings = [line for line in looks if " ping " in line]
    assert len(pings) == 3
    with a_lab("vteps.clab.yml", store) as lab:
        lab.type(deploy)
        for name in ("vtep1", "vtep2", "vtep3"):
            wait_for_tunnels(lab, name)
        for line in looks:
            said = lab.type(line)
            assert (ANSWERED in said) if line in pings else said.strip(), line
        large = ["ping", "-c", "1", "-M", "do", "-s", "1472", "192.168.0.3"]
        assert "1 received" in lab.places["vm1"].run(large)
        again(lab)
        # Open vSwitch drops what comes before it knows the way to a tunnel's end.
        wait_for_ping(lab, "vm1", "192.168.0.2")


def wait_for_ping(lab: Lab, name: str, address: str) -> None:
    """Wait until a machine reaches another one."""

    def is_answered() -> bool:
        try:
            return "1 received" in lab.places[name].run(["ping", "-c", "1", address])
        except CommandFailed:
            return False

    wait_until(is_answered, f"{name} to reach {address}", timeout=PATIENCE, evidence=lab.evidence)


def again(lab: Lab) -> None:
    """Start a node again as docker does, with what it had written, and connect it again."""
    place = lab.places["vtep1"]
    place.namespace.kill_processes()
    place.kill()
    place.begin()
    (node,) = (each for each in lab.topology.nodes if each.name == "vtep1")
    place.run(node.commands[0])
    wait_for_tunnels(lab, node.name)


def test_wrong_words_get_one_line(store: Store) -> None:
    usage = "usage: vtep-connect INTERFACE=ADDRESS/PREFIX [PORT]..."
    wrong = (
        (["eth1"], 2, usage),
        (["none=10.2.2.1/24"], 1, "there is no interface none"),
        (["lo=10.2.2.1/24", "none"], 1, "there is no interface none"),
    )
    with store.container(f"localhost/{IMAGE}") as container:
        for words, code, reason in wrong:
            command = container.command(["vtep-connect", *words])
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert (done.returncode, done.stderr.splitlines()[0]) == (
                code,
                f"vtep-connect: {reason}",
            )


def test_machines_at_a_bridge_of_the_host(store: Store) -> None:
    *steps, ping = lines("Machines at a bridge of the host")
    with a_lab("bridge.clab.yml", store) as lab:
        lab.add_host()
        # The page names this line for a host without the kernel's module, as this one is.
        userspace = "ovs-vsctl add-br br0 -- set bridge br0 datapath_type=netdev"
        assert f"`{userspace}`" in PAGE.read_text()
        wait_until(
            lambda: "are answered at" in lab.places[HOST].log_text,
            "the application of the host",
            timeout=PATIENCE,
            evidence=lab.evidence,
        )
        lab.type(userspace)
        ports = lambda: set(lab.type("vtep-ctl list-ports br0").split())  # noqa: E731
        for line in steps:
            lab.type(line)
            if line.startswith("containerlab"):
                wait_until(
                    lambda: ports() == {"p0", "p1"},
                    "rows of both ports",
                    timeout=PATIENCE,
                    evidence=lab.evidence,
                )
        wait_for_ping(lab, "vm1", "192.168.0.2")
        assert ANSWERED in lab.type(ping)
