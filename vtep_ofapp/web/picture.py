"""What the page draws, and /status.json answers: bridges, ports, tunnels, routers and faults.

Its size has a bound: of hundreds of ports or thousands of tunnels there are the first ones, those
with a problem before others, and how many more there are.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from ..process.unixctl_client import CommandFailed, NoAnswer
from .application import Application

Json: TypeAlias = dict[str, Any]
T = TypeVar("T")

MOST = {
    "ports": 96,
    "bindings": 6,
    "tunnels": 96,
    "routers": 24,
    "interfaces": 6,
    "faults": 50,
    "bridges": 16,
    "databases": 16,
}
"""How many of a kind there are at most: ports, tunnels and routers of a bridge, bindings of a port,
interfaces of a router."""


def picture(application: Application) -> Json:
    """Ask the application, and return the document; without an answer it says why."""
    try:
        return _document(application)
    except (NoAnswer, CommandFailed) as error:
        return {"answers": False, "reason": str(error).strip()}


def _document(application: Application) -> Json:
    shown = application.json("show")
    status = application.json("status")
    ports = application.json("port/show")
    tunnels = application.json("tunnel/show")["tunnels"]
    routers = application.json("router/show")
    faults = application.json("fault/show")["faults"]
    return {
        "answers": True,
        "version": shown["vtep_ofapp"],
        "role": shown["role"],
        "status": shown["status"],
        "ready": status["is_ready"],
        "running_for_s": shown["running_for_s"],
        "paused": status["is_paused"],
        **_first("databases", shown["databases"], dict),
        **_first(
            "bridges", shown["switches"], lambda switch: _bridge(switch, ports, tunnels, routers)
        ),
        **_first("faults", faults, dict),
    }


def _bridge(switch: Json, ports: Json, tunnels: Sequence[Json], routers: Json) -> Json:
    name = switch["bridge"]
    bindings: dict[str, list[Json]] = {}
    for each in _of(name, ports["bindings"]):
        bindings.setdefault(each["port"], []).append(each)
    interfaces: dict[str, list[Json]] = {}
    for each in _of(name, routers["interfaces"]):
        interfaces.setdefault(each["router"], []).append(each)
    own_ports, own_tunnels = _of(name, ports["ports"]), _of(name, tunnels)
    here = [each for each in _of(name, routers["routers"]) if each["router"] in interfaces]
    return {
        **_without(("ports", "tunnels"), switch),
        **_first("ports", own_ports, lambda port: _port(port, bindings), _is_well),
        **_first("tunnels", own_tunnels, _tunnel, _forwards),
        **_first("routers", here, lambda router: _router(router, interfaces), _is_well),
    }


def _port(port: Json, bindings: Mapping[str, Sequence[Json]]) -> Json:
    own = bindings.get(port["port"], ())
    return {
        **_without(("bridge", "bindings"), port),
        **_first("bindings", own, lambda each: _without(("bridge", "port"), each)),
    }


def _tunnel(tunnel: Json) -> Json:
    """Return a tunnel with the number of its logical switches in place of their names."""
    number = len(tunnel["logical_switches"])
    return {**_without(("bridge", "vnis"), tunnel), "logical_switches": number}


def _router(router: Json, interfaces: Mapping[str, Sequence[Json]]) -> Json:
    own = interfaces[router["router"]]
    return {
        **_without(("bridge", "interfaces"), router),
        **_first(
            "interfaces", own, lambda each: _without(("bridge", "router", "link_local"), each)
        ),
    }


def _is_well(thing: Json) -> bool:
    return not thing["problem"]


def _forwards(tunnel: Json) -> bool:
    return bool(tunnel["forwards"])


def _of(bridge: str, rows: Iterable[Json]) -> list[Json]:
    return [each for each in rows if each["bridge"] == bridge]


def _without(names: Sequence[str], row: Mapping[str, Any]) -> Json:
    return {name: value for name, value in row.items() if name not in names}


def _first(
    kind: str,
    items: Sequence[T],
    draw: Callable[[T], Json],
    is_well: Callable[[T], bool] = lambda item: True,
) -> Json:
    """Return the first items of a kind, in their order, and how many more there are.

    Those that are not well come before others that would be left out.
    """
    numbers = sorted(range(len(items)), key=lambda number: is_well(items[number]))
    chosen = sorted(numbers[: MOST[kind]])
    return {
        kind: [draw(items[number]) for number in chosen],
        f"more_{kind}": len(items) - len(chosen),
    }
