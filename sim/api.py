"""Labs from Python: what is published here stays as it is; what is not may change.

`Lab` builds a lab and adds parts to it, each of which is returned: a `Vtep`, a `Host`, a
`LogicalSwitch`, a hypervisor (`VxlanEndpoint`), a service node (`Peer`). docs/lab.md says which of
their methods are published, and etc/examples/three_vteps.py is an example. `CommandFailed` and
`WaitFailed` are raised when something of the lab fails.

Labs need root, and the Debian packages that `make debian` installs. They run from a checkout: no
distribution of vtep_ofapp has this package.
"""

from sim.fabric.lab import Lab, LogicalSwitch
from sim.lab.hosts import Host, VxlanEndpoint
from sim.lab.namespaces import CommandFailed
from sim.lab.peer import Peer
from sim.lab.vtep import Vtep
from sim.waiting import WaitFailed

__all__ = [
    "CommandFailed",
    "Host",
    "Lab",
    "LogicalSwitch",
    "Peer",
    "Vtep",
    "VxlanEndpoint",
    "WaitFailed",
]
