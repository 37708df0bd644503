from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from tests.logs import watched
from tests.switch.dummy import DummySwitch

pytest.register_assert_rewrite("tests.switch.state")

S = TypeVar("S", bound=DummySwitch)


@contextmanager
def a_folder() -> Iterator[Path]:
    """Make a folder, short enough for sockets, whose logs are watched; remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="vtep-"))
    try:
        with watched(folder):
            yield folder
    finally:
        shutil.rmtree(folder)


@contextmanager
def described(kind: type[S]) -> Iterator[S]:
    """Describe an Open vSwitch in a folder of its own, and end what was started of it."""
    with a_folder() as folder:
        switch = kind(folder)
        try:
            yield switch
        finally:
            switch.stop()


@contextmanager
def a_database() -> Iterator[DummySwitch]:
    """Start a database server alone, whose hardware_vtep has a Physical_Switch br0."""
    with described(DummySwitch) as server:
        server.create_databases()
        server.ovsdb_server.start()
        server.add_physical_switch()
        yield server


@contextmanager
def a_switch() -> Iterator[DummySwitch]:
    """Start Open vSwitch with empty databases, and end it."""
    with described(DummySwitch) as switch:
        switch.start()
        yield switch


@pytest.fixture
def switch() -> Iterator[DummySwitch]:
    """Open vSwitch with empty databases; nothing else is there yet."""
    with a_switch() as switch:
        yield switch


@pytest.fixture
def vtep(switch: DummySwitch) -> DummySwitch:
    """br0 with p0 and p1, managed by the application, and a logical switch ls0 with VNI 33."""
    switch.manage()
    return switch


@pytest.fixture
def joined(vtep: DummySwitch) -> DummySwitch:
    """The same with p0, and VLAN 10 of p1, bound to ls0, and an underlay for 10.2.2.2 to .5."""
    vtep.join()
    return vtep
