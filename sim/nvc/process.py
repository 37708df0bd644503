"""The NVC of a lab, as a process of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sim.lab.namespaces import Namespace
from sim.lab.process import CHECKOUT, Process


class NvcProcess(Process):
    """`python -m sim nvc FILE` in the namespace of the NVC."""

    NAME = "nvc"

    def __init__(self, namespace: Namespace, folder: Path) -> None:
        """Describe the process; its file and its log are in the folder."""
        super().__init__(namespace, folder)
        self.file = folder / "nvc.yaml"

    def write(self, plan: Mapping[str, Any]) -> None:
        """Write the file that the process reads when it starts."""
        self.file.write_text(yaml.safe_dump(dict(plan), sort_keys=False))

    def command(self) -> list[str]:
        """Return the command line."""
        return [sys.executable, "-m", "sim", "nvc", str(self.file)]

    def environment(self) -> Mapping[str, str]:
        """Return where this checkout is: the process runs in the folder of its log."""
        return {"PYTHONPATH": str(CHECKOUT), "PYTHONUNBUFFERED": "1"}
