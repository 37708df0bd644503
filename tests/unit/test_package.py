"""The package itself is imported at once, and has the application class when it is asked for."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import vtep_ofapp

LIBRARIES = {"eventlet", "os_ken", "oslo_config", "ovs"}


def test_the_import_brings_no_library() -> None:
    program = f"import sys, vtep_ofapp; print({LIBRARIES} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=60)
    assert done.stdout == b"set()\n"


def test_os_ken_finds_the_class_by_its_module() -> None:
    """os-ken looks at all members of the module that it was given the name of."""
    classes = inspect.getmembers(vtep_ofapp, inspect.isclass)
    own = [name for name, each in classes if each.__module__ == vtep_ofapp.__name__]
    assert own == ["VtepApp"]


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="'vtep_ofapp' has no attribute 'VtepAp'"):
        vtep_ofapp.VtepAp  # noqa: B018
