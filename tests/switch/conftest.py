import shutil
import tempfile
from pathlib import Path

import pytest

from tests.switch.dummy import DummySwitch


@pytest.fixture
def switch():
    """Open vSwitch with empty databases; nothing else is there yet."""
    folder = Path(tempfile.mkdtemp(prefix="vtep-"))
    switch = DummySwitch(folder)
    try:
        switch.start()
        yield switch
    finally:
        switch.stop()
        shutil.rmtree(folder)


@pytest.fixture
def vtep(switch):
    """br0 with p0 and p1, managed by the application, and a logical switch ls0 with VNI 33."""
    switch.add_bridge()
    switch.add_physical_switch()
    switch.vtep_ctl("add-ls", "ls0")
    switch.vtep_ctl("set", "Logical_Switch", "ls0", "tunnel_key=33")
    switch.app.take_over()
    switch.wait(lambda: switch.vtep_ctl("list-ports", "br0") == "p0\np1", "the physical ports")
    return switch
