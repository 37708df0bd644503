"""``counters``: what was sent, received and dropped."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from ..features.drops import Drops
from ..loop.switch_driver import SwitchDriver
from .answer import Answer, Blocks, Content, Row, Table
from .command import Command, Running

_DATABASES = ("database", "transactions", "failed", "writes")
_DROPS = ("bridge", "reason", "frames", "bytes")


def _show(_arguments: Sequence[str], running: Running) -> Answer:
    components = running.components
    measures, drivers = components.measures, components.switches.drivers
    return Answer(
        {
            "turns": measures.turns.seconds.count,
            "failed_turns": measures.turns.failed,
            "bundles": measures.bundles.seconds.count,
            "failed_bundles": measures.bundles.failed,
            "packet_ins": asdict(measures.packet_ins),
            "switches": Blocks(
                [_messages(drivers[name], running) for name in sorted(drivers)], heading=True
            ),
            "databases": Table(_DATABASES, _databases(running)),
            "dropped_frames": Table(_DROPS, _drops(drivers[name] for name in sorted(drivers))),
        }
    )


def _messages(driver: SwitchDriver, running: Running) -> Content:
    """Return the messages since the switch connected, and what others changed on it."""
    connection = driver.connection
    return {
        "bridge": driver.switch.name,
        "connections": running.components.measures.connections[driver.switch.name],
        "changed_by_others": driver.contents.changed_by_others,
        **(asdict(connection.traffic) if connection else {}),
    }


def _databases(running: Running) -> Iterator[Row]:
    works = running.components.measures.transactions
    for name, transactions in running.components.databases.all().items():
        yield name, works[name].seconds.count, works[name].failed, transactions.writes


def _drops(drivers: Iterator[SwitchDriver]) -> Iterator[Row]:
    for driver in drivers:
        for reason, dropped in driver.switch.view[Drops].by_reason.items():
            yield driver.switch.name, reason.value, dropped.packets, dropped.octets


COMMANDS = (Command("counters", "", "Print how much was sent, received and dropped.", _show),)
