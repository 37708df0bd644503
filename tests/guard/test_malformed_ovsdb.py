"""A database server that says what no server says: it is left, and asked again after a pause."""

from __future__ import annotations

import itertools
import socket
import time
import uuid
from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from tests.guard.malformed import CORPUS, bent
from tests.guard.ovsdb import Ventriloquist
from tests.switch.conftest import described
from tests.switch.dummy import DummySwitch
from vtep_ofapp.process.log_limits import MAX_LINES

SHORTEST_PAUSE = 0.5
"""Seconds; half of what the application waits before it connects again."""
NAMES = itertools.count()


def messages() -> list[str]:
    lines = (CORPUS / "ovsdb.txt").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class FooledSwitch(DummySwitch):
    """A switch whose application hears of hardware_vtep by a server that can be made to lie."""

    server: Ventriloquist


@pytest.fixture(scope="module")
def fooled() -> Iterator[FooledSwitch]:
    with described(FooledSwitch) as vtep:
        vtep.start()
        folder = vtep.folder
        vtep.server = Ventriloquist(f"{folder}/lies.sock", f"{folder}/db.sock")
        try:
            vtep.manage(vtep_db=vtep.server.remote)
            vtep.vtep_ctl("bind-ls", "br0", "p0", "0", "ls0")
            yield vtep
            assert "Traceback" not in vtep.app.log_text
        finally:
            vtep.app.stop()
            vtep.server.close()


def hears_again(vtep: DummySwitch) -> None:
    """Wait until a change of the real database has had its effect, and nothing else has."""
    vlan = str(100 + next(NAMES))
    vtep.vtep_ctl("bind-ls", "br0", "p1", vlan, "ls0")
    vtep.wait(lambda: f"dl_vlan={vlan}" in "\n".join(vtep.flows()), f"VLAN {vlan}")
    vtep.vtep_ctl("unbind-ls", "br0", "p1", vlan)
    vtep.wait(lambda: f"dl_vlan={vlan}" not in "\n".join(vtep.flows()), f"no VLAN {vlan}")


@pytest.mark.parametrize("message", messages())
def test_a_message_that_cannot_be_read_leads_to_a_new_connection(
    fooled: FooledSwitch, message: str
) -> None:
    row = str(fooled.row("Logical_Switch", name="ls0")["_uuid"])
    filled = message.replace("ROW", row).replace("NEW", str(uuid.uuid4()))
    before = len(fooled.server.arrivals)
    fooled.server.say(filled.replace("DEEP", "[" * 100_000).encode())
    if "DEEP" in message:
        fooled.server.say(("]" * 100_000 + "}").encode())
    fooled.wait(lambda: len(fooled.server.arrivals) > before, "a new connection")
    hears_again(fooled)
    assert fooled.app.running


@pytest.mark.parametrize("data", [b'{"id": null, "method": "upd', b"\xff\xfe\xfd", b""])
def test_a_message_that_is_cut_or_no_text_leads_to_a_new_connection(
    fooled: FooledSwitch, data: bytes
) -> None:
    before = len(fooled.server.arrivals)
    fooled.server.say(data, hang_up=True)
    fooled.wait(lambda: len(fooled.server.arrivals) > before, "a new connection")
    hears_again(fooled)


def test_a_server_that_only_lies_is_asked_again_after_a_pause_each_time(
    fooled: FooledSwitch,
) -> None:
    lines = len(fooled.app.log_text.splitlines())
    server = fooled.server
    server.greeting = lambda client: client.sendall(b"nonsense")
    server.hang_up()
    begin = len(server.arrivals)
    fooled.wait(lambda: len(server.arrivals) > begin + 4, "four attempts")
    server.greeting = None
    came = server.arrivals[begin + 1 :]
    # Taken together: one that a busy machine notices late leaves less of the pause after it.
    assert came[-1] - came[0] > (len(came) - 1) * SHORTEST_PAUSE
    hears_again(fooled)
    assert len(fooled.app.log_text.splitlines()) - lines <= 6 * MAX_LINES


GOOD = (
    '{"id": null, "method": "update3", "params": [null, "x", {"Logical_Switch": {"ROW": '
    '{"modify": {"tunnel_key": ["set", [44]], "name": "ls7"}}, "NEW": {"insert": {"name": "x"}}}}]}'
)


def test_updates_that_something_happened_to(fooled: FooledSwitch) -> None:
    row = str(fooled.row("Logical_Switch", name="ls0")["_uuid"])
    good = GOOD.replace("ROW", row).replace("NEW", str(uuid.uuid4())).encode()

    @given(bent([good]))
    @settings(max_examples=12, deadline=None, database=None, derandomize=True)
    def run(data: bytes) -> None:
        fooled.server.say(data)
        assert fooled.app.running

    run()
    fooled.server.hang_up()
    hears_again(fooled)


def silence(client: socket.socket) -> None:
    time.sleep(15)


SCHEMAS = [
    b'{"id": 0, "result": 5, "error": null}',
    b'{"id": 0, "result": {"name": "hardware_vtep", "tables": {"Global": []}}, "error": null}',
    b'{"id": 0, "result": null, "error": {"error": "no"}}',
    b"nonsense",
    b"",
]


def test_a_server_without_a_schema_that_can_be_read_is_asked_again(fooled: FooledSwitch) -> None:
    """From the start of the application on, one bad answer after the other, and then silence."""
    answers = iter(SCHEMAS)

    def answer(client: socket.socket) -> None:
        client.recv(4096)
        data = next(answers, None)
        client.sendall(data) if data is not None else silence(client)

    fooled.app.kill()
    fooled.app.log.unlink()
    fooled.server.greeting = answer
    fooled.app.start()
    fooled.wait(lambda: "no answer within" in fooled.app.log_text, "silence", timeout=60)
    fooled.server.greeting = None
    fooled.wait_for_log("br0 is managed")
    hears_again(fooled)
