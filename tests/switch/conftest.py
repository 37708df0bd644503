import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.switch.dummy import DummySwitch

pytest.register_assert_rewrite("tests.switch.state")


@contextmanager
def a_switch():
    """Start Open vSwitch with empty databases in a folder of its own, and end it."""
    folder = Path(tempfile.mkdtemp(prefix="vtep-"))
    switch = DummySwitch(folder)
    try:
        switch.start()
        yield switch
    finally:
        switch.stop()
        shutil.rmtree(folder)


@pytest.fixture
def switch():
    """Open vSwitch with empty databases; nothing else is there yet."""
    with a_switch() as switch:
        yield switch


@pytest.fixture
def vtep(switch):
    """br0 with p0 and p1, managed by the application, and a logical switch ls0 with VNI 33."""
    switch.manage()
    return switch


@pytest.fixture
def joined(vtep):
    """The same with p0, and VLAN 10 of p1, bound to ls0, and an underlay for 10.2.2.2 to .5."""
    vtep.join()
    return vtep
