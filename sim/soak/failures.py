"""What happens to connections, applications and daemons in a soak run."""

from __future__ import annotations

from sim.lab.app import App
from sim.soak.chance import Chance, Kind


def _cut(chance: Chance) -> str:
    vtep = chance.stage.vtep
    vtep.ovs_vsctl("set-controller", vtep.bridge, "tcp:127.0.0.1:1")
    chance.stage.point_at_apps()
    return "the OpenFlow connections are cut"


def _freeze(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    seconds = chance.pick((0.5, 1.0, 3.0))
    app.freeze(seconds)
    return f"{app.NAME} is frozen for {seconds:g} s"


def _kill(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    app.kill()
    return f"{app.NAME} is killed"


def _terminate(chance: Chance) -> str:
    app = chance.pick(chance.stage.running_apps())
    app.stop(grace=60.0)
    return f"{app.NAME} is terminated"


def _start(chance: Chance) -> str:
    app = chance.pick(_stopped(chance))
    app.start()
    return f"{app.NAME} is started"


def _has_app(chance: Chance) -> bool:
    return bool(chance.stage.running_apps())


def _stopped(chance: Chance) -> list[App]:
    return [app for app in chance.stage.apps if not app.running]


# What interrupts known traffic


def _restart_ovsdb(chance: Chance) -> str:
    chance.stage.vtep.ovsdb_server.restart()
    return "ovsdb-server is restarted"


def _kill_ovsdb(chance: Chance) -> str:
    chance.stage.vtep.ovsdb_server.kill()
    chance.stage.vtep.ovsdb_server.start()
    return "ovsdb-server is killed and started"


def _kill_switch(chance: Chance) -> str:
    chance.stage.vtep.ovs_vswitchd.kill()
    chance.stage.vtep.ovs_vswitchd.start()
    return "ovs-vswitchd is killed and started"


def _delete_flows(chance: Chance) -> str:
    chance.stage.vtep.ofctl("del-flows", chance.stage.vtep.bridge)
    return "another client deletes all flows"


def _delete_tunnel(chance: Chance) -> str:
    vtep = chance.stage.vtep
    tunnels = [
        each for each in vtep.ovs_vsctl("list-ports", vtep.bridge).split() if each[:2] == "vx"
    ]
    gone = chance.pick(sorted(tunnels))
    # The application may remove one that nothing uses at the same time.
    vtep.do("ovs-vsctl", "--if-exists", "del-port", vtep.bridge, gone)
    return f"another client deletes {gone}"


CONNECTIONS = (
    Kind("OpenFlow cut", _cut, 1),
    Kind("application frozen", _freeze, 1, _has_app),
)

APPLICATIONS = (
    Kind("application killed", _kill, 6, _has_app),
    Kind("application terminated", _terminate, 3, _has_app),
    Kind("application started", _start, 12, lambda chance: bool(_stopped(chance))),
)

ROUGH = (
    Kind("ovsdb-server restarted", _restart_ovsdb, 2),
    Kind("ovsdb-server killed", _kill_ovsdb, 2),
    Kind("ovs-vswitchd killed", _kill_switch, 2),
    Kind("flows deleted by others", _delete_flows, 2),
    Kind("tunnel port deleted by others", _delete_tunnel, 2),
)
"""These interrupt known traffic for a moment, with any application."""
