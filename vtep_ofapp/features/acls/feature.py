"""Access lists, which are not supported yet: a port with acl_bindings is a fault."""

from collections.abc import Iterator
from dataclasses import dataclass

from ...engine.cause import Cause, RowOf
from ...engine.desired import Desired
from ...engine.feature import Feature, Owner
from ...engine.topics import SwitchReplaced, SwitchRowChanged, Topic
from ...engine.view import View
from ...values.faults import Fault, FaultWord, of_port
from ..bindings.ports import port_subject


@dataclass(frozen=True, slots=True)
class PortAcls:
    """The owner of the faults of acl_bindings."""


def _port_acls(key: PortAcls, view: View) -> Desired:
    return Desired(faults=tuple(_faults(view)))


def _faults(view: View) -> Iterator[Fault]:
    for port in view.physical.ports if view.physical else ():
        if port.acl_bindings:
            reason = "its acl_bindings have no effect: access lists are not supported"
            entry = of_port(port.uuid, FaultWord.INVALID_ACL_BINDING)
            yield Fault(port_subject(port.name, view), reason, entry)


def _because(key: PortAcls, view: View) -> Iterator[Cause]:
    for port in view.physical.ports if view.physical else ():
        if port.acl_bindings:
            row = RowOf("Physical_Port", port.uuid)
            yield Cause(f"{port_subject(port.name, view)} has acl_bindings", (row,))


def _all(topic: Topic, view: View) -> list[Topic]:
    return [PortAcls()]


FEATURE = Feature(
    owners=(Owner(PortAcls, _port_acls, _because),),
    invalidated_by={SwitchRowChanged: _all, SwitchReplaced: _all},
)
