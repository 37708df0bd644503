"""OVSDB over TLS, with certificates made by ovs-pki."""

from __future__ import annotations

import gzip
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sim.lab.openvswitch import tail
from tests.ports import held_port
from tests.switch.conftest import described
from tests.switch.dummy import DummySwitch


class Listening(DummySwitch):
    """Open vSwitch whose database server listens for TLS as well."""

    pki: Path
    remote: str


def make_pki(switch: DummySwitch, name: str) -> Path:
    """Make a CA and a key that it signed; return the folder with both."""
    folder = switch.folder / name
    folder.mkdir()
    pki = ["ovs-pki", f"--dir={folder}/pki", f"--log={folder}/log", "--force"]
    switch.run([*pki, "init"], timeout=120)
    switch.run(["sh", "-c", f"cd {folder} && {' '.join(pki)} -u req+sign us switch"], timeout=120)
    return folder


@pytest.fixture(scope="module")
def tls() -> Iterator[Listening]:
    """Open vSwitch whose database server listens for TLS as well, on switch.remote."""
    with described(Listening) as switch:
        switch.pki = make_pki(switch, "ours")
        port = held_port()
        switch.remote = f"ssl:127.0.0.1:{port}"
        switch.ovsdb_server.command += [
            f"--remote=pssl:{port}:127.0.0.1",
            f"--private-key={switch.pki}/us-privkey.pem",
            f"--certificate={switch.pki}/us-cert.pem",
            f"--ca-cert={switch.pki}/pki/switchca/cacert.pem",
        ]
        switch.start()
        switch.add_bridge()
        switch.add_physical_switch()
        switch.point_at_app()
        yield switch


def run_with(switch: Listening, pki: Path, **options: str) -> None:
    """Start the application with TLS to both databases and the key and CA of a folder."""
    switch.app.kill()
    switch.app.begin_log()
    switch.app.options = {
        "vtep_db": switch.remote,
        "ovs_db": switch.remote,
        "ssl_key": f"{pki}/us-privkey.pem",
        "ssl_cert": f"{pki}/us-cert.pem",
        "ssl_ca": f"{pki}/pki/switchca/cacert.pem",
        **options,
    }
    switch.app.start()


def test_a_certificate_of_the_same_ca_gets_in(tls: Listening) -> None:
    run_with(tls, tls.pki)
    tls.wait_for_log("br0 is managed")
    tls.wait(lambda: tls.port_rows("br0") == ["p0", "p1"], "the physical ports")
    # What is written for a bug report names the files and has nothing of them.
    path = tls.folder / "report.tar.gz"
    tls.app.ask("supportbundle", str(path))
    report = gzip.decompress(path.read_bytes())
    assert b"us-privkey.pem" in report
    assert b"PRIVATE KEY" not in report
    assert b"BEGIN CERTIFICATE" not in report


def test_a_certificate_of_another_ca_is_refused_and_tried_again(tls: Listening) -> None:
    run_with(tls, make_pki(tls, "others"))
    refused = lambda: tail(tls.ovsdb_server.log, 999).count("SSL_accept")  # noqa: E731
    before = refused()
    tls.wait(lambda: refused() >= before + 4, "two attempts for each database")
    assert tls.app.log_text.count(f"hardware_vtep: {tls.remote}: no TLS: ") == 1
    assert "connected" not in tls.app.log_text
    assert tls.app.running


def test_tls_without_a_key_ends_the_start(tls: Listening) -> None:
    run_with(tls, tls.folder / "nothing")
    tls.wait(lambda: not tls.app.running, "the end")
    assert "[vtep] ssl_key: " in tls.app.log_text


def server(folder: Path, *options: str, tls: bool = True) -> tuple[str, subprocess.Popen[bytes]]:
    """Start a database server beside the others, and return its remote and how to end it."""
    port = held_port()
    database = folder / f"{port}.db"
    subprocess.run(
        ["ovsdb-tool", "create", database, "/usr/share/openvswitch/vtep.ovsschema"], check=True
    )
    command = ["ovsdb-server", str(database), f"--unixctl={folder}/{port}.ctl", *options]
    command.append(f"--remote={'pssl' if tls else 'ptcp'}:{port}:127.0.0.1")
    return f"ssl:127.0.0.1:{port}", subprocess.Popen(command, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("kind", ["no certificate", "no TLS", "another CA", "refuses us"])
def test_the_log_says_what_is_wrong_with_the_servers_tls(tls: Listening, kind: str) -> None:
    others = make_pki(tls, kind.replace(" ", "-"))
    files: list[str] = {
        "no certificate": [],
        "no TLS": [],
        "another CA": files_of(others, others),
        "refuses us": files_of(tls.pki, others),
    }[kind]
    says = {
        "no certificate": "no TLS: the server ended the connection; has it a key",
        "no TLS": "no TLS: the server ended the connection; has it a key and a certificate?",
        "another CA": "no TLS: one end does not accept the other's certificate",
        "refuses us": "with TLS, its CA may not have signed our certificate",
    }[kind]
    remote, process = server(tls.folder, *files, tls=kind != "no TLS")
    try:
        run_with(tls, tls.pki, vtep_db=remote)
        tls.wait_for_log(f"hardware_vtep: {remote}: ")
        tls.wait_for_log(says)
    finally:
        process.kill()
        process.wait()


def files_of(pki: Path, ca: Path) -> list[str]:
    return [
        f"--private-key={pki}/us-privkey.pem",
        f"--certificate={pki}/us-cert.pem",
        f"--ca-cert={ca}/pki/switchca/cacert.pem",
    ]


def test_new_certificates_are_used_when_it_connects_again(tls: Listening) -> None:
    """The server keeps its files' names, too, and has to be started again."""
    run_with(tls, tls.pki)
    tls.wait_for_log("br0 is managed")
    second = make_pki(tls, "second")
    key = tls.pki / "us-privkey.pem"
    key.rename(tls.pki / "away.pem")
    tls.ovsdb_server.kill()
    tls.wait_for_log("[Errno 2] No such file or directory")
    for name in ("us-privkey.pem", "us-cert.pem", "pki/switchca/cacert.pem"):
        shutil.copy(second / name, tls.pki / name)
    tls.ovsdb_server.start()
    tls.wait(lambda: tls.app.log_text.count("hardware_vtep: connected") == 2, "the second time")
