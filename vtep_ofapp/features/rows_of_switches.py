"""Rows for logical switches and MAC addresses, of which the owners of each switch desire some."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from ..engine.view import View
from .local_rows import Key

V = TypeVar("V")


@dataclass(slots=True)
class _Told(Generic[V]):
    """The rows that one switch was last known to desire, at its tunnel IP."""

    switch: View
    tunnel_ip: str | None
    rows: dict[Key, V] = field(default_factory=dict)


class RowsOfSwitches(Generic[V]):
    """What owners of switches desire of rows whose keys are of one type.

    Keys of the type ``kind`` have a ``logical_switch`` and a ``mac``. ``changed`` is called with
    each logical switch and MAC whose row is desired otherwise than before.
    """

    def __init__(self, kind: type, changed: Callable[[Key], object]) -> None:
        self._kind = kind
        self._changed = changed
        self._told: dict[str, _Told[V]] = {}
        self._naming: dict[Key, dict[str, None]] = {}

    def of(self, key: Key) -> dict[str, V]:
        """Return what is desired of a row, by the tunnel IP of each switch that desires it."""
        naming = self._naming.get(key)
        if naming is None:  # the normal case: very many stations are no such row
            return {}
        told = [self._told[name] for name in naming]
        return {each.tunnel_ip: each.rows[key] for each in told if each.tunnel_ip is not None}

    def set_switches(self, switches: Mapping[str, View]) -> None:
        """Set the managed switches, by name."""
        for name, told in list(self._told.items()):
            switch = switches.get(name)
            if switch is not told.switch or switch.tunnel_ip != told.tunnel_ip:
                for key in told.rows:
                    self._withdraw(key, name)
                del self._told[name]
                for key in told.rows:
                    self._changed(key)
        for name, switch in switches.items():
            if name not in self._told:
                self._told[name] = _Told(switch, switch.tunnel_ip)
                for row, value in switch.rows[self._kind].wanted.items():
                    self._tell(name, row, value)

    def take(self) -> None:
        """Take what switches desire that they did not when this was last called."""
        for name, told in self._told.items():
            rows = told.switch.rows[self._kind]
            for each in list(rows.differences()):
                self._tell(name, each.key, each.want)
                rows.have(each.key, each.want)

    def _tell(self, name: str, row: Any, value: V | None) -> None:
        key = row.logical_switch, row.mac
        if value is None:
            self._told[name].rows.pop(key, None)
            self._withdraw(key, name)
        else:
            self._told[name].rows[key] = value
            self._naming.setdefault(key, {})[name] = None
        self._changed(key)

    def _withdraw(self, key: Key, name: str) -> None:
        naming = self._naming.get(key, {})
        naming.pop(name, None)
        if not naming:
            self._naming.pop(key, None)
