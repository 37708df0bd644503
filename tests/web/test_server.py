"""What the server answers, and clients that do not behave; the application is a stub, or away."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from sim.waiting import wait_until
from tests.switch.dummy import PATIENCE
from tests.web.programs import Answer, get
from tests.web.stub import STATUS, Stub, a_stub
from vtep_ofapp.web.__main__ import main
from vtep_ofapp.web.application import Application, Shared
from vtep_ofapp.web.pages import Pages
from vtep_ofapp.web.picture import MOST, picture
from vtep_ofapp.web.server import Server, is_allowed

MOST_CLIENTS = 16


class Site:
    """The server in this process, which asks the stub."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.port = int(server.server_address[1])

    def get(self, path: str, method: str = "GET", **headers: str) -> Answer:
        return get(self.port, path, method, **headers)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)


@contextmanager
def a_site(folder: Path) -> Iterator[Site]:
    pages = Pages(Application(str(folder / "stub")))
    with Server(("127.0.0.1", 0), {"vtep1.example"}, pages.answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield Site(server)
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with a_site(tmp_path) as site:
        yield site


@pytest.fixture
def stub(tmp_path: Path) -> Iterator[Stub]:
    with a_stub(tmp_path) as stub:
        yield stub


def test_without_an_application_each_answer_says_so(site: Site) -> None:
    scraped = site.get("/metrics")
    assert scraped.status == 200
    assert "\nvtep_ofapp_up 0.0\n" in scraped.text
    assert "vtep_ofapp_ready" not in scraped.text
    health = site.get("/healthz")
    assert health.status == 503
    assert health.text.endswith("/stub: No such file or directory\n")
    document = json.loads(site.get("/status.json").text)
    assert document["answers"] is False
    assert "No such file" in document["reason"]
    assert not json.loads(site.get("/why.json?word=p0").text)["answers"]
    assert "<!doctype html>" in site.get("/").text


def test_health_is_readiness(site: Site, stub: Stub) -> None:
    assert site.get("/healthz")[::2] == (200, "ready: in charge of br0\n")
    stub.answers["status"] = {**STATUS, "is_ready": False, "status": "waiting for the lock"}
    assert site.get("/healthz")[::2] == (503, "not ready: waiting for the lock\n")


def test_an_application_of_another_version_is_no_crash(site: Site, stub: Stub) -> None:
    stub.answers["metrics/show"] = {"version": "9.9.9"}
    said = "the application is of another version: it answers without "
    assert site.get("/metrics")[::2] == (503, f"{said}'figures'\n")
    stub.show({}, [])
    del stub.answers["show"]["databases"]
    document = json.loads(site.get("/status.json").text)
    assert (document["answers"], document["reason"]) == (False, f"{said}'databases'")
    assert site.get("/healthz").status == 200
    stub.answers["status"] = {"status": "in charge of br0"}
    assert site.get("/healthz")[::2] == (503, f"{said}'is_ready'\n")


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")],
)
def test_files_and_their_headers(site: Site, path: str, kind: str) -> None:
    answer = site.get(path)
    assert answer.status == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = site.get(path, "HEAD")
    assert (head.status, head.text) == (200, "")
    assert head.headers["Content-Length"] == answer.headers["Content-Length"]


def test_what_is_not_answered(site: Site, stub: Stub) -> None:
    assert site.get("/etc/passwd").status == 404
    assert site.get("/../server.py").status == 404
    assert site.get("http://[/", Host="localhost").status == 400
    assert site.get("/", "POST").status == 501
    for word in ("", "--json", "x" * 300):
        assert site.get(f"/mac.json?word={word}").status == 400
    assert stub.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1:9475", "[::1]:9475", "localhost", "VTEP1.example:80"])
def test_names_of_ours(site: Site, host: str) -> None:
    assert site.get("/page.js", Host=host).status == 200


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "[", "a b"])
def test_a_name_that_was_made_to_resolve_to_us(site: Site, host: str) -> None:
    assert site.get("/status.json", Host=host).status == 421
    assert not is_allowed(host, [])


def test_clients_beyond_the_most_are_closed_and_others_are_served_again(site: Site) -> None:
    with ExitStack() as stack:
        for _ in range(MOST_CLIENTS):
            stack.enter_context(site.connect())
        beyond = stack.enter_context(site.connect())
        assert beyond.recv(1) == b""

    def is_served() -> bool:
        try:
            return site.get("/page.js").status == 200
        except OSError:
            return False

    wait_until(is_served, "room for a client", timeout=PATIENCE)


@pytest.mark.parametrize("address", ["x..y:80", "192.0.2.1:9475"])
def test_where_it_cannot_listen_is_said_in_one_line(address: str) -> None:
    command = [sys.executable, "-m", "vtep_ofapp.web", "--listen", address]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert address.partition(":")[0] in line


def test_a_slow_client_is_closed(site: Site) -> None:
    with site.connect() as slow:
        slow.sendall(b"GET /page.js HTTP/1.1\r\nX-Slow: ")
        site.server.patience = 0.0
        while slow.recv(1 << 16):  # an answer about the half of a request, perhaps
            pass


def test_an_answer_is_used_for_all_who_ask_at_once() -> None:
    made: list[int] = []

    def make() -> int:
        made.append(1)
        return len(made)

    shared = Shared(make, 3600.0)
    assert [shared.get(), shared.get()] == [1, 1]


def routers(number: int, interfaces: int) -> dict[str, Any]:
    """Return the answer of router/show about a bridge whose last router has a problem."""
    names = [f"r{each}" for each in range(number)]
    router = {"bridge": "br0", "mac": "02:76:1d:35:ce:33", "routes": 3, "problem": None}
    interface = {"bridge": "br0", "access_lists": [], "is_used": True}
    return {
        "routers": [
            {**router, "router": name, "problem": "lost" if name == names[-1] else None}
            for name in names
        ],
        "interfaces": [
            {
                **interface,
                "router": name,
                "logical_switch": f"ls{each}",
                "addresses": ["10.0.0.1/8"],
            }
            for name in names
            for each in range(interfaces)
        ],
    }


def test_the_picture_has_a_bound_and_what_is_wrong_is_there(stub: Stub, tmp_path: Path) -> None:
    ports = {f"p{number}": [f"ls{each}" for each in range(9)] for number in range(300)}
    tunnels: list[Mapping[str, Any]] = [
        {"remote_vtep": f"10.0.{number // 250}.{number % 250}", "forwards": number != 2999}
        for number in range(3000)
    ]
    stub.show(ports, tunnels)
    stub.answers["router/show"] = routers(100, 20)
    (bridge,) = picture(Application(str(tmp_path / "stub")))["bridges"]
    assert len(bridge["ports"]) == MOST["ports"]
    assert bridge["more_ports"] == 300 - MOST["ports"]
    assert bridge["ports"][0]["port"] == "p0"
    assert bridge["ports"][0]["more_bindings"] == 9 - MOST["bindings"]
    assert [each["remote_vtep"] for each in bridge["tunnels"]][-2:] == ["10.0.0.94", "10.0.11.249"]
    assert bridge["more_tunnels"] == 3000 - MOST["tunnels"]
    assert [each["router"] for each in bridge["routers"]][-2:] == ["r22", "r99"]
    assert bridge["routers"][0]["more_interfaces"] == 20 - MOST["interfaces"]
    assert len(json.dumps(bridge)) < 100_000


def test_an_address_that_is_taken_is_named_with_its_port(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match=f"127.0.0.1, port {site.port}: Address already in use"):
        main(["--listen", f"127.0.0.1:{site.port}"])
