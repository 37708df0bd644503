"""How a lab begins and ends: one process builds it, and nothing of it is left behind."""

from __future__ import annotations

from typing import TypeVar

from sim.command import typed
from sim.lab.state import LabBusy, LabState
from sim.progress import doing

Living = TypeVar("Living", bound="Lifetime")


class Lifetime:
    """The life of a lab. Entering it builds the lab; leaving it takes everything down."""

    def __init__(self, name: str) -> None:
        """Name the lab. Raises ValueError for an invalid name."""
        self.name = name
        self.state = LabState(name)
        self._is_kept = False

    def __enter__(self: Living) -> Living:
        """Remove what a dead lab of this name left, and build this one.

        Raises LabBusy if a lab of this name is up or belongs to another process.
        """
        self.state.claim()
        try:
            if self.state.is_up:
                raise LabBusy(
                    f"lab {self.name} is up already; "
                    f"`{typed()} down --name {self.name}` takes it down"
                )
            self.state.remove()
        except BaseException:
            self.state.release()
            raise
        try:
            with doing(f"building lab {self.name}"):
                self._build()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Take the lab down, unless `keep` was called."""
        if self._is_kept:
            self.state.release()
        else:
            self.close()

    def close(self) -> None:
        """End the lab's processes, and remove its namespaces and files."""
        try:
            with doing(f"taking lab {self.name} down"):
                self.state.remove()
        finally:
            self.state.release()

    def keep(self) -> None:
        """Leave the lab running when this process ends; `python -m sim down` removes it."""
        self.state.mark_ready()
        self._is_kept = True

    def _build(self) -> None:
        """Make what the lab consists of."""
        self.state.create()
