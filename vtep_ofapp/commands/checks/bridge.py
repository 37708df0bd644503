"""Checks of a bridge: its connection, our role, its fail mode, what is installed."""

from collections.abc import Iterator

from ...loop.switch_driver import Role, SwitchDriver
from ..command import Running
from .finding import Check, Finding, failed, passed, warned


def _connection(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    if driver.connection is not None:
        yield passed(f"connected from {driver.connection.peer}")
    else:
        name = driver.switch.name
        yield failed(f"not connected: ovs-vsctl list controller {name}, and see the faults")


def _role(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    role, is_standby = driver.role, running.role == "standby"
    if role is Role.MASTER or (role is Role.SLAVE and is_standby):
        yield passed(f"{role.name.lower()}{', as of a standby' if is_standby else ''}")
    elif role is Role.REFUSED:
        yield failed(f"another controller is master: ovs-vsctl get-controller {driver.switch.name}")
    else:
        yield warned("not master yet")


def _fail_mode(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    bridge = driver.switch.bridge
    if bridge is None:
        return
    if bridge.is_secure:
        yield passed("secure")
    else:
        yield failed(
            "not secure: without this process every tenant would be bridged together: "
            f"ovs-vsctl set-fail-mode {bridge.name} secure"
        )


def _installed(driver: SwitchDriver, running: Running) -> Iterator[Finding]:
    state = driver.switch
    if driver.role is Role.SLAVE and running.role == "standby":
        yield passed("not read: the process with the lock writes it")
        return
    if not driver.contents.are_known:
        yield warned("not read back yet")
        return
    parts = (state.flows, state.groups, state.tunnel_ports)
    counts = [len(part.actual) for part in parts]
    differing = [part.count_differences() for part in parts]
    if not any(differing):
        yield passed(f"as wanted: {_listed(counts)}")
    elif _is_under_way(driver, running):
        yield warned(f"being changed: {_listed(differing)}")
    else:
        mend = f"ovs-appctl -t vtep_ofapp resync {state.name}"
        yield failed(f"not as wanted: {_listed(differing)}; the log says why, or: {mend}")


def _is_under_way(driver: SwitchDriver, running: Running) -> bool:
    """Whether differences are about to be sent, or are answered soon, or wait for an operator."""
    database = driver.switch.bridge.database if driver.switch.bridge else ""
    transactions = running.components.databases.all().get(database)
    return (
        running.is_paused
        or driver.bundles.is_in_flight
        or driver.switch.is_behind
        or not driver.switch.are_tunnels_up()
        or (transactions is not None and transactions.is_in_flight)
    )


def _listed(counts: list[int]) -> str:
    flows, groups, ports = counts
    return f"{flows} flows, {groups} groups and {ports} tunnel ports"


CHECKS = (
    Check("connection", _connection),
    Check("role", _role),
    Check("fail_mode", _fail_mode),
    Check("installed", _installed),
)
