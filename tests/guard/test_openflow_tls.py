"""OpenFlow over TLS: who has a certificate of our CA gets in, and nobody else."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.wire.openflow import HELLO, pack
from tests.guard.openflow import Client
from tests.switch.conftest import described
from tests.switch.dummy import DummyApp, DummySwitch
from tests.switch.test_tls import make_pki
from vtep_ofapp.process.log_limits import MAX_LINES

BROKEN_RECORD = b"\x17\x03\x03\x00\x20" + bytes(32)


def use(vtep: TlsSwitch, pki: Path, ca: Path) -> None:
    """Start the application with the key of one folder, and the CA of another."""
    vtep.app.stop()
    vtep.app.in_use = pki, ca
    vtep.app.begin_log()
    vtep.app.start()


def ca_of(pki: Path) -> str:
    return f"{pki}/pki/switchca/cacert.pem"


def use_in_switch(vtep: DummySwitch, pki: Path, ca: Path) -> None:
    """Give Open vSwitch the key of one folder, and the CA of another."""
    files = f"{pki}/us-privkey.pem", f"{pki}/us-cert.pem", ca_of(ca)
    vtep.ovs_vsctl("set-ssl", *files)


class TlsSwitch(DummySwitch):
    """br0, whose controller is ssl:, with a key of our CA and one of another CA."""

    app: TlsApp
    pki: Path
    others: Path

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.app = TlsApp(self)


class TlsApp(DummyApp):
    """The application with the key of one folder, and the CA of another."""

    in_use: tuple[Path, Path] | None = None

    def command(self) -> list[str]:
        """Return the command line of osken-manager."""
        assert self.in_use is not None
        pki, ca = self.in_use
        files = {"ctl-privkey": f"{pki}/us-privkey.pem", "ctl-cert": f"{pki}/us-cert.pem"}
        files |= {"ca-certs": ca_of(ca), "ofp-ssl-listen-port": str(self.port)}
        return [*super().command(), *(f"--{name}={value}" for name, value in files.items())]


@pytest.fixture(scope="module")
def tls() -> Iterator[TlsSwitch]:
    with described(TlsSwitch) as vtep:
        vtep.start()
        vtep.pki, vtep.others = make_pki(vtep, "ours"), make_pki(vtep, "others")
        vtep.add_bridge()
        vtep.add_physical_switch()
        use_in_switch(vtep, vtep.pki, vtep.pki)
        vtep.ovs_vsctl("set-controller", "br0", f"ssl:127.0.0.1:{vtep.app.port}")
        try:
            yield vtep
        finally:
            vtep.app.stop()


@pytest.fixture
def managed(tls: TlsSwitch) -> TlsSwitch:
    """br0, managed over TLS."""
    use_in_switch(tls, tls.pki, tls.pki)
    if not tls.app.running or tls.app.in_use != (tls.pki, tls.pki):
        use(tls, tls.pki, tls.pki)
    tls.wait_for_log("br0 is managed")
    return tls


def context(
    vtep: TlsSwitch,
    pki: Path | None = None,
    version: ssl.TLSVersion | None = None,
    ca: Path | None = None,
) -> ssl.SSLContext:
    """Return the TLS settings of a client that trusts our CA, or that of another folder."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    settings.check_hostname = False
    settings.load_verify_locations(ca_of(ca or vtep.pki))
    settings.set_ciphers("ALL:@SECLEVEL=0")
    if pki is not None:
        settings.load_cert_chain(f"{pki}/us-cert.pem", f"{pki}/us-privkey.pem")
    if version is not None:
        settings.minimum_version = settings.maximum_version = version
    return settings


def gets_in(vtep: TlsSwitch, settings: ssl.SSLContext) -> bool:
    """Return whether a client is greeted by the application."""
    try:
        with Client(vtep.app.port, wrap=settings.wrap_socket) as client:
            client.send(pack(HELLO))
            received = client.receive()
    except (ssl.SSLError, ConnectionError):
        return False
    return received is not None and received[0] == HELLO


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1.* is deprecated")
def test_tls_is_of_version_1_2_or_later(managed: TlsSwitch) -> None:
    versions = {
        version: gets_in(managed, context(managed, managed.pki, version))
        for version in (
            ssl.TLSVersion.TLSv1,
            ssl.TLSVersion.TLSv1_1,
            ssl.TLSVersion.TLSv1_2,
            ssl.TLSVersion.TLSv1_3,
        )
    }
    assert list(versions.values()) == [False, False, True, True]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_nobody_gets_in_without_a_certificate_of_our_ca(
    managed: TlsSwitch, version: ssl.TLSVersion | None
) -> None:
    assert not gets_in(managed, context(managed, None, version))
    assert not gets_in(managed, context(managed, managed.others, version))
    assert gets_in(managed, context(managed, managed.pki, version))


def test_nobody_gets_in_without_tls_and_the_log_says_so_a_few_times(managed: TlsSwitch) -> None:
    for _ in range(20):
        with Client(managed.app.port) as client:
            client.send(pack(HELLO))
            client.drain()
    lines = [line for line in managed.app.log_text.splitlines() if "SSLError" in line]
    assert 1 <= len(lines) <= MAX_LINES
    assert "connection from 127.0.0.1 is closed: SSLError: " in lines[0]
    assert "br0: connection lost" not in managed.app.log_text


def test_a_broken_record_ends_its_connection_and_nothing_else(managed: TlsSwitch) -> None:
    with Client(managed.app.port, wrap=context(managed, managed.pki).wrap_socket) as client:
        client.wait_for(HELLO)
        with socket.socket(fileno=os.dup(client.socket.fileno())) as below:
            below.settimeout(20)
            below.sendall(BROKEN_RECORD)
            while below.recv(4096):
                pass
    managed.wait_for_log("a TLS connection is closed: ")
    managed.vtep_ctl("--may-exist", "add-ls", "ls0", "--", "bind-ls", "br0", "p0", "7", "ls0")
    managed.wait(lambda: "dl_vlan=7" in "\n".join(managed.flows()), "a binding: all goes on")
    assert "br0: connection lost" not in managed.app.log_text


def test_a_switch_with_a_certificate_of_another_ca_is_refused_until_it_has_one_of_ours(
    tls: TlsSwitch,
) -> None:
    use_in_switch(tls, tls.others, tls.pki)
    use(tls, tls.pki, tls.pki)
    tls.wait_for_log("CERTIFICATE_VERIFY_FAILED")
    assert "br0 is managed" not in tls.app.log_text
    use_in_switch(tls, tls.pki, tls.pki)
    tls.wait_for_log("br0 is managed")


def test_a_switch_refuses_the_application_with_a_certificate_of_another_ca(tls: TlsSwitch) -> None:
    use_in_switch(tls, tls.pki, tls.pki)
    use(tls, tls.others, tls.pki)
    tls.wait_for_log("is closed: SSLError: ")
    assert "br0 is managed" not in tls.app.log_text
    assert tls.app.running


def put(folder: Path, pki: Path) -> None:
    """Put key, certificate and CA of one folder in the place of another's."""
    (folder / "pki/switchca").mkdir(parents=True, exist_ok=True)
    for name in ("us-privkey.pem", "us-cert.pem", "pki/switchca/cacert.pem"):
        replaced = folder / f"{name}.new"
        shutil.copy(pki / name, replaced)
        replaced.rename(folder / name)


def test_new_certificates_are_used_from_the_next_connection_on(tls: TlsSwitch) -> None:
    live = tls.folder / "live"
    put(live, tls.pki)
    use_in_switch(tls, tls.pki, tls.pki)
    use(tls, live, live)
    tls.wait_for_log("br0 is managed")
    ours = context(tls, tls.pki)
    theirs = context(tls, tls.others, ca=tls.others)
    assert gets_in(tls, ours)
    assert not gets_in(tls, theirs)
    put(live, tls.others)
    assert gets_in(tls, theirs)
    assert not gets_in(tls, ours)
    assert tls.app.log_text.count("new certificates are used") == 1

    (live / "us-cert.pem").write_text("nonsense")
    assert gets_in(tls, theirs)
    assert gets_in(tls, theirs)
    (live / "us-privkey.pem").unlink()
    assert gets_in(tls, theirs)
    assert tls.app.log_text.count("new certificates are not used") == 2
    put(live, tls.pki)
    assert gets_in(tls, ours)
    assert tls.app.log_text.count("new certificates are used") == 2
    assert "br0: connection lost" not in tls.app.log_text


def test_the_log_says_what_is_wrong_with_a_stranger(managed: TlsSwitch) -> None:
    with Client(managed.app.port) as client:
        client.send(pack(HELLO))
        client.drain()
    managed.wait_for_log("it does not speak TLS, and this port does")
    assert not gets_in(managed, context(managed))
    managed.wait_for_log("it has no certificate; ovs-vsctl set-ssl gives it one")
    assert not gets_in(managed, context(managed, managed.others))
    managed.wait_for_log("its certificate is not of the CA in ca_certs")
