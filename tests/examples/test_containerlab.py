"""The topologies of etc/examples/containerlab have the form that containerlab documents.

tests/releases/test_containerlab.py runs them in namespaces.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import ROOT
from tests.examples.containerlab import FOLDER, problems, read

FILES = sorted(FOLDER.glob("*.yml"))
PAGE = ROOT / "docs" / "containerlab.md"

Content = dict[str, Any]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_topology_has_no_problems(file: Path) -> None:
    topology = read(file)
    assert topology.name == file.name.removesuffix(".clab.yml")
    assert f"containerlab deploy -t etc/examples/containerlab/{file.name}\n" in PAGE.read_text()


def test_each_way_to_err_is_found() -> None:
    (file,) = (each for each in FILES if each.name == "vteps.clab.yml")
    good = yaml.safe_load(file.read_text())
    wrong: dict[str, Callable[[Content], object]] = {
        "the file has an unknown key nodes": lambda of: of.update(nodes={}),
        "name: it separates": lambda of: of.update(name="three-vteps"),
        "topology has no nodes": lambda of: of["topology"].update(nodes={}),
        "vm1: there is no group none": lambda of: node(of, "vm1").update(group="none"),
        "vm1 has an unknown key exect": lambda of: node(of, "vm1").update(exect=[]),
        "vm1: exec is no list": lambda of: node(of, "vm1").update(exec="true"),
        "vm1: a line of exec is no text": lambda of: node(of, "vm1").update(exec=[["true"]]),
        "vm1: its kind bridges": lambda of: node(of, "vm1").update(kind="bridges"),
        "vm1: a node of kind linux has": lambda of: node(of, "vm1").update(kind="ovs-bridge"),
        "vm1: healthcheck has an unknown": lambda of: node(of, "vm1").update(
            healthcheck={"tests": []}
        ),
        "vm1:eth0: eth0 is": lambda of: ends(of).append("vm1:eth0"),
        "vm9:eth1: there is no node vm9": lambda of: ends(of).append("vm9:eth1"),
        "vm1: a name of an interface": lambda of: ends(of).append("vm1"),
        "vm1:eth1 is the end of 2 links": lambda of: ends(of).append("vm1:eth1"),
        "a link has two endpoints": lambda of: ends(of).clear(),
        "a link has an unknown key delay": lambda of: of["topology"]["links"][0].update(delay=1),
    }
    for expected, change in wrong.items():
        content = copy.deepcopy(good)
        change(content)
        found = list(problems(file.name, content))
        assert any(each.startswith(expected) for each in found), (expected, found)
    assert list(problems("vteps.yaml", good)) == ["vteps.yaml does not end in .clab.yml"]


def node(content: Content, name: str) -> Content:
    """Return the settings of a node itself."""
    found: Content = content["topology"]["nodes"][name]
    return found


def ends(content: Content) -> list[str]:
    """Return the ends of the first link."""
    found: list[str] = content["topology"]["links"][0]["endpoints"]
    return found
