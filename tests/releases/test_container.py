"""The container image is built, manages a real Open vSwitch outside, and says how it is."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from sim.lab.process import Process
from sim.waiting import wait_until
from tests.docs.pages import ROOT, section
from tests.ports import held_port
from tests.releases.images import Container, Done, Store
from tests.switch.conftest import a_switch
from tests.switch.dummy import PATIENCE, DummySwitch, Here
from tests.web.programs import get

pytestmark = pytest.mark.timeout(900)  # apt-get in the image

PAGE = ROOT / "docs" / "container.md"
TLS = "Without root, and with TLS"
SOCKETS = "/run/openvswitch"
"""Where the image's programs have the sockets of Open vSwitch."""
CONFIG = "/etc/vtep_ofapp.conf"
OPENFLOW = "vtep_ofapp.of"
NOBODY = "10001"


@pytest.fixture(scope="module")
def container() -> Iterator[Container]:
    """A container of the application's image."""
    store = Store()
    with store.container(store.build()) as container:
        yield container


@pytest.fixture
def switch() -> Iterator[DummySwitch]:
    """An Open vSwitch of this machine, whose folder of sockets is mounted into the container."""
    with a_switch() as switch:
        for option in ("vtep_db", "ovs_db"):
            switch.app.options[option] = f"unix:{SOCKETS}/db.sock"
        yield switch


def run(command: list[str]) -> Done:
    """Run a command of this machine."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return Done(done.returncode, done.stdout + done.stderr)


class Contained:
    """The application in a container, in the place of the one of the checkout."""

    def __init__(
        self, container: Container, switch: DummySwitch, sockets: Path, user: str = "root"
    ):
        self._container = container
        self._switch = switch
        self._sockets = sockets
        self._user = user

    def command(self) -> list[str]:
        """Return the command line of the application."""
        config = {self._switch.app.config: CONFIG}
        return self._command(self._container.main(), config)

    def run(self, argv: list[str]) -> Done:
        """Run a command in the container, as `podman exec` does."""
        return run(self._command(argv))

    def health(self) -> Done:
        """Return what the command says by which podman and docker see how the container is."""
        return self.run(self._container.health())

    def wait_for_health(self, is_healthy: bool, text: str) -> None:
        """Wait until it is healthy, or is not, and says so."""
        wait_until(
            lambda: text in (done := self.health()).output and (done.code == 0) == is_healthy,
            f"{text!r} from a container that is {'' if is_healthy else 'un'}healthy",
            timeout=PATIENCE,
            evidence=lambda: self.health().output,
        )

    def end(self) -> None:
        """End the application. (Of a signal, buildah makes SIGKILL.)"""
        assert self.run(["vtep-ofapp", "exit"]).code == 0
        wait_until(lambda: not self._switch.app.running, "its end", timeout=PATIENCE)

    def _command(self, argv: list[str], mounts: Mapping[Path, str] | None = None) -> list[str]:
        all_mounts = {self._sockets: SOCKETS, **(mounts or {})}
        return self._container.command(argv, mounts=all_mounts, user=self._user)


@pytest.fixture
def contained(
    container: Container, switch: DummySwitch, monkeypatch: pytest.MonkeyPatch
) -> Contained:
    """The application as root, without any capability, with the sockets of root."""
    contained = Contained(container, switch, switch.folder)
    monkeypatch.setattr(switch.app, "command", contained.command)
    return contained


def test_it_manages_a_bridge_and_its_health_follows(
    switch: DummySwitch, contained: Contained
) -> None:
    before = contained.health()
    assert before.code != 0
    assert "vtep_ofapp does not run" in before.output
    switch.manage()
    contained.wait_for_health(True, "managed: br0")
    switch.ovsdb_server.stop()
    contained.wait_for_health(False, "hardware_vtep is away")
    switch.ovsdb_server.start()
    contained.wait_for_health(True, "hardware_vtep is connected")
    contained.end()


def test_it_needs_no_root_with_remotes_by_tcp(
    container: Container, switch: DummySwitch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = held_port()
    switch.run(
        ["ovs-appctl", "-t", "ovsdb-server", "ovsdb-server/add-remote", f"ptcp:{port}:127.0.0.1"]
    )
    remote = f"tcp:127.0.0.1:{port}"
    for option in ("vtep_db", "ovs_db"):
        switch.app.options[option] = remote
    tmp_path.chmod(0o777)
    contained = Contained(container, switch, tmp_path, NOBODY)
    monkeypatch.setattr(switch.app, "command", contained.command)
    switch.manage()
    contained.wait_for_health(True, "managed: br0")
    assert {each.stat().st_uid for each in tmp_path.iterdir()} == {int(NOBODY)}
    contained.end()


def test_it_needs_no_network_with_openflow_by_a_socket(
    switch: DummySwitch, contained: Contained, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a network namespace that has nothing, as with `--network none`."""
    alone = ["unshare", "--net", "--", *contained.command()]
    monkeypatch.setattr(switch.app, "command", lambda: alone)
    switch.app.options["openflow_socket"] = f"{SOCKETS}/{OPENFLOW}"
    switch.add_bridge()
    switch.add_physical_switch()
    switch.app.start()
    socket = switch.folder / OPENFLOW
    switch.wait(socket.exists, "the socket")
    switch.ovs_vsctl("set-controller", "br0", f"unix:{socket}")
    contained.wait_for_health(True, f"connected from unix:{SOCKETS}/{OPENFLOW}")
    contained.end()


def test_its_web_process_answers(
    container: Container, switch: DummySwitch, contained: Contained
) -> None:
    web = WebInside(container, switch.folder)
    web.start()
    try:
        wait_until(lambda: Here().listens(web.port), "the page", timeout=PATIENCE)
        assert get(web.port, "/healthz").status == 503
        switch.manage()
        assert get(web.port, "/healthz").status == 200
        assert "\nvtep_ofapp_up 1.0\n" in get(web.port, "/metrics").text
        contained.end()
    finally:
        web.kill()


class WebInside(Process):
    """`vtep-ofapp-web` in the container, as the compose file starts it."""

    NAME = "web"

    def __init__(self, container: Container, sockets: Path) -> None:
        super().__init__(Here(), sockets)
        self.port = held_port()
        self._container, self._sockets = container, sockets

    def command(self) -> list[str]:
        words = ["vtep-ofapp-web", "--listen", f"127.0.0.1:{self.port}"]
        return self._container.command(words, mounts={self._sockets: SOCKETS})

    def environment(self) -> Mapping[str, str]:
        return {}


def test_a_wrong_file_gets_one_line(container: Container, tmp_path: Path) -> None:
    config = tmp_path / "vtep_ofapp.conf"
    config.write_text("[vtep]\nmac_ageing = 300\n")
    command = container.command(
        [*container.config["Entrypoint"], "check-config", CONFIG], mounts={config: CONFIG}
    )
    done = run(command)
    assert done.code != 0
    assert "mac_ageing" in done.output
    assert "Traceback" not in done.output


def test_the_file_for_tls_of_the_page_is_right(container: Container, tmp_path: Path) -> None:
    blocks = re.findall(r"^```\n(.*?)^```$", section(PAGE, TLS), re.MULTILINE | re.DOTALL)
    (text,) = (block for block in blocks if block.startswith("[DEFAULT]"))
    config, keys = tmp_path / "vtep_ofapp.conf", tmp_path / "keys"
    config.write_text(text)
    keys.mkdir()
    words = ["req", "-x509", "-newkey", "rsa:2048", "-noenc", "-subj", "/CN=vtep"]
    files = ["-keyout", str(keys / "privkey.pem"), "-out", str(keys / "cert.pem")]
    subprocess.run(["openssl", *words, *files], capture_output=True, check=True)
    shutil.copy(keys / "cert.pem", keys / "cacert.pem")
    shutil.chown(keys / "privkey.pem", int(NOBODY))

    def check() -> Done:
        mounts = {config: CONFIG, keys: "/etc/vtep_ofapp"}
        words = [*container.config["Entrypoint"], "check-config", CONFIG]
        return run(container.command(words, mounts=mounts, user=NOBODY))

    assert check().code == 0, check().output
    (keys / "cacert.pem").unlink()
    assert check().code != 0
    assert "/etc/vtep_ofapp/cacert.pem" in check().output
