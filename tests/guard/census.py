"""An os-ken application that tells what the process beside it holds: `osken-manager ... census`."""

import gc
import json
import os
import socket
from pathlib import Path

import eventlet
from greenlet import greenlet  # type: ignore[import-untyped]
from os_ken.base.app_manager import OSKenApp

from vtep_ofapp.openflow.connection import SwitchConnection


class Census(OSKenApp):  # type: ignore[misc]
    """Answers each connection to a Unix socket in the folder CENSUS with one count."""

    def start(self) -> None:
        super().start()
        server = eventlet.listen(os.environ["CENSUS"], family=socket.AF_UNIX)
        eventlet.spawn(self.serve, server)

    def serve(self, server: socket.socket) -> None:
        while True:
            client, _ = server.accept()
            client.sendall(json.dumps(count()).encode())
            client.close()


def count() -> dict[str, int]:
    """Return what lives in this process."""
    gc.collect()
    there = gc.get_objects()
    return {
        "green threads": sum(isinstance(each, greenlet) and bool(each) for each in there),
        "connections": sum(isinstance(each, SwitchConnection) for each in there),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }
