"""Where switches are awaited: one process has the port, or the start ends with one line."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import prefork
from tests.switch.conftest import a_switch
from tests.switch.dummy import DummySwitch
from tests.switch.test_tls import make_pki

ROOT = Path(__file__).parents[2]
MANAGER = Path(sys.executable).parent / "osken-manager"


def start(folder: Path, **options: object) -> subprocess.CompletedProcess[str]:
    """Run osken-manager with these options of os-ken until it ends by itself."""
    config = folder / "app.conf"
    lines = [f"{name} = {value}" for name, value in options.items()]
    config.write_text("\n".join(["[DEFAULT]", *lines, "[vtep]", f"vtep_db = unix:{folder}/none"]))
    argv = [str(MANAGER), "vtep_ofapp", "--config-file", str(config)]
    return prefork.run(argv, folder, {"PATH": "/usr/bin:/bin", **prefork.ENVIRONMENT})


def ends_with(done: subprocess.CompletedProcess[str], *texts: str) -> None:
    """The last line says what is wrong, and nothing was touched before."""
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "CRITICAL vtep_ofapp: [DEFAULT] " in last
    for text in texts:
        assert text in last
    assert "Traceback" not in done.stderr
    assert "hardware_vtep" not in done.stderr


@pytest.fixture
def taken() -> Iterator[DummySwitch]:
    """A port on which somebody listens who would share it."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_port_that_another_process_has_ends_the_start(tmp_path: Path, taken: int) -> None:
    done = start(tmp_path, ofp_tcp_listen_port=taken)
    ends_with(done, f"ofp_listen_host = 127.0.0.1, ofp_tcp_listen_port = {taken}: ")
    ends_with(done, "Address already in use; another process listens there")


def test_a_second_process_of_ours_ends(switch: DummySwitch) -> None:
    switch.manage()
    done = start(switch.folder, ofp_tcp_listen_port=switch.app.port)
    ends_with(done, "another process listens there")
    assert switch.app.running


@pytest.mark.parametrize("host", ["203.0.113.1", "2001:db8::1"])
def test_an_address_that_is_not_of_this_host_ends_the_start(tmp_path: Path, host: str) -> None:
    done = start(tmp_path, ofp_listen_host=host)
    ends_with(done, f"ofp_listen_host = {host}", "give an address of this host")


def test_a_name_that_nobody_knows_ends_the_start(tmp_path: Path) -> None:
    ends_with(start(tmp_path, ofp_listen_host="no.such.host.invalid"), "no.such.host.invalid")


@pytest.mark.parametrize("port", [0, 65536])
def test_a_port_out_of_range_ends_the_start(tmp_path: Path, port: str) -> None:
    done = start(tmp_path, ofp_tcp_listen_port=port)
    ends_with(done, f"ofp_tcp_listen_port: {port} is not a port")


def test_the_port_for_tls_likewise(taken: int) -> None:
    with a_switch() as vtep:
        pki = make_pki(vtep, "ours")
        files = {"ctl_privkey": f"{pki}/us-privkey.pem", "ctl_cert": f"{pki}/us-cert.pem"}
        files["ca_certs"] = f"{pki}/pki/switchca/cacert.pem"
        done = start(vtep.folder, **files, ofp_ssl_listen_port=taken)
        ends_with(done, f"ofp_ssl_listen_port = {taken}", "another process listens there")
        done = start(vtep.folder, **files, ofp_ssl_listen_port=70000)
        ends_with(done, "ofp_ssl_listen_port: 70000 is not a port")
        done = start(vtep.folder, **files, ofp_ssl_listen_port=taken, ciphers="nonsense")
        ends_with(done, "ciphers: 'nonsense' is not a list of OpenSSL's ciphers")
