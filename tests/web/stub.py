"""An application that answers what a test wants, on a control socket as the real one's."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STATUS = {
    "role": "active",
    "status": "in charge of br0",
    "is_paused": False,
    "is_ready": True,
    "running_for_s": 7,
}
PORT = {"bridge": "br0", "link": "up", "bindings": 1, "learned_macs": 3, "problem": None}
BINDING = {"bridge": "br0", "is_used": True, "vnis": [33]}
TUNNEL = {
    "bridge": "br0",
    "state": "up",
    "bfd": None,
    "forwards": True,
    "vnis": [33],
    "logical_switches": ["ls0"],
    "problem": None,
}
SWITCH = {
    "bridge": "br0",
    "connected_from": "127.0.0.1",
    "connected_for_s": 61,
    "role": "master",
    "tunnel_ips": ["10.2.2.1"],
    "logical_switches": 1,
    "learned_macs": 3,
    "flows": 50,
    "is_settled": True,
}


class Stub(socketserver.ThreadingUnixStreamServer):
    """Answers commands with the values that `answers` has for them; others are not there."""

    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.answers: dict[str, Any] = {"status": STATUS}
        self.asked: list[list[str]] = []

    def show(self, ports: Mapping[str, list[str]], tunnels: list[Mapping[str, Any]]) -> None:
        """Answer as a bridge with ports, each with its logical switches, and with tunnels."""
        bindings = [
            {**BINDING, "port": port, "vlan": vlan, "logical_switch": name}
            for port, names in ports.items()
            for vlan, name in enumerate(names)
        ]
        rows = [{**PORT, "port": port} for port in ports]
        self.answers |= {
            "show": {
                **STATUS,
                "vtep_ofapp": "0.1.0",
                "databases": [],
                "switches": [SWITCH],
            },
            "port/show": {"ports": rows, "bindings": bindings},
            "tunnel/show": {"tunnels": [{**TUNNEL, **each} for each in tunnels]},
            "router/show": {"routers": [], "interfaces": []},
            "fault/show": {"faults": []},
        }


class _Handler(socketserver.BaseRequestHandler):
    server: Stub

    def handle(self) -> None:
        """Answer one request."""
        request = json.loads(self.request.recv(1 << 16))
        self.server.asked.append([request["method"], *request["params"]])
        answer = self.server.answers.get(request["method"])
        result, error = answer, None
        if answer is None:
            error = f'"{request["method"]}" is not a valid command'
        elif not isinstance(answer, str):
            result = json.dumps(answer)
        reply = {"id": request["id"], "result": result, "error": error}
        self.request.sendall(json.dumps(reply).encode())


@contextmanager
def a_stub(folder: Path) -> Iterator[Stub]:
    """Run one in a thread; its socket is FOLDER/stub."""
    with Stub(folder / "stub") as stub:
        thread = threading.Thread(target=stub.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield stub
        finally:
            stub.shutdown()
            thread.join()
