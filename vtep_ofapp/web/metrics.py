"""Metrics for Prometheus, from what the application answers to ``metrics/show``.

Labels are bridges, databases and reasons, of which there are few; logical switches, ports, remote
VTEPs and stations never are.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..process.unixctl_client import CommandFailed, NoAnswer
from .application import Application

Answer: TypeAlias = Mapping[str, Any]
Samples: TypeAlias = Iterable[tuple[tuple[str, ...], float]]
"""The values of labels, and the value of the metric with them."""

UP = "vtep_ofapp_up"
_ROLES = "active", "standby", "waiting"


@dataclass(frozen=True, slots=True)
class Figure:
    """A gauge or a counter, whose name then ends in ``_total``."""

    name: str
    help: str
    samples: Callable[[Answer], Samples]
    labels: tuple[str, ...] = ()

    def metric(self, answer: Answer) -> Metric:
        """Return the metric with its samples."""
        kind = "counter" if self.name.endswith("_total") else "gauge"
        metric = Metric(self.name.removesuffix("_total"), self.help, kind)
        for values, value in self.samples(answer):
            metric.add_sample(self.name, dict(zip(self.labels, values, strict=True)), value)
        return metric


@dataclass(frozen=True, slots=True)
class Duration:
    """A histogram of seconds: of the kind of work with this name in ``metrics/show``."""

    name: str
    help: str
    work: str

    def metric(self, answer: Answer) -> Metric:
        """Return the metric with its buckets."""
        bounds = [*map(str, map(float, answer["bounds_s"])), "+Inf"]
        metric = HistogramMetricFamily(self.name, self.help)
        for each in answer["durations"]:
            if each["work"] == self.work:
                buckets = zip(bounds, each["counts"], strict=True)
                metric.add_metric([], list(buckets), each["sum_s"])
        return metric


def _one(*path: str) -> Callable[[Answer], Samples]:
    """Return what finds one value."""

    def samples(answer: Answer) -> Samples:
        value: Any = answer
        for name in path:
            value = value[name]
        yield (), float(value)

    return samples


def _bridges(name: str) -> Callable[[Answer], Samples]:
    """Return what finds a value of each bridge."""
    return lambda answer: (
        ((switch["bridge"],), float(switch[name])) for switch in answer["switches"]
    )


def _databases(name: str) -> Callable[[Answer], Samples]:
    """Return what finds a value of each database."""
    return lambda answer: (((each["database"],), float(each[name])) for each in answer["databases"])


def _roles(answer: Answer) -> Samples:
    return (((role,), float(role == answer["role"])) for role in _ROLES)


def _dropped(answer: Answer) -> Samples:
    for switch in answer["switches"]:
        for reason, frames in switch["dropped_frames"].items():
            yield (switch["bridge"], reason), float(frames)


FIGURES: tuple[Figure | Duration, ...] = (
    Figure(
        "vtep_ofapp_info",
        "The version of the application; the value is 1.",
        lambda answer: [((answer["version"],), 1.0)],
        ("version",),
    ),
    Figure("vtep_ofapp_running_seconds", "Time since it started.", _one("running_for_s")),
    Figure("vtep_ofapp_resident_bytes", "Memory of the process.", _one("resident_bytes")),
    Figure(
        "vtep_ofapp_ready", "Whether start-up is complete, as systemd sees it.", _one("is_ready")
    ),
    Figure(
        "vtep_ofapp_paused",
        "Whether an operator paused it, so that nothing is written.",
        _one("is_paused"),
    ),
    Figure("vtep_ofapp_role", "1 for the role of this process, 0 for others.", _roles, ("role",)),
    Figure("vtep_ofapp_faults", "What is wrong now; fault/show names it.", _one("faults")),
    Figure(
        "vtep_ofapp_database_connected",
        "Whether the database is connected.",
        _databases("is_connected"),
        ("database",),
    ),
    Figure(
        "vtep_ofapp_transactions_total",
        "Transactions that were answered.",
        _databases("transactions"),
        ("database",),
    ),
    Figure(
        "vtep_ofapp_transactions_failed_total",
        "Transactions that the database refused.",
        _databases("failed"),
        ("database",),
    ),
    Duration("vtep_ofapp_transaction_seconds", "From a commit to its answer.", "transaction"),
    *(
        Figure(f"vtep_ofapp_bridge_{name}", text, _bridges(key), ("bridge",))
        for name, key, text in (
            ("connected", "is_connected", "Whether the bridge is connected."),
            ("connections_total", "connections", "How often the bridge connected."),
            ("settled", "is_settled", "Whether flows and groups are as desired."),
            ("flows", "flows", "Flows that are installed."),
        )
    ),
    Figure(
        "vtep_ofapp_dropped_frames_total",
        "Frames that the pipeline dropped; unknown-sender: no row names the VTEP.",
        _dropped,
        ("bridge", "reason"),
    ),
    Figure(
        "vtep_ofapp_packet_ins_total", "Packet-ins that were handled.", _one("packet_ins", "taken")
    ),
    Figure(
        "vtep_ofapp_packet_ins_dropped_total",
        "Packet-ins that were dropped because a queue was full.",
        _one("packet_ins", "dropped"),
    ),
    Duration("vtep_ofapp_turn_seconds", "Turns of the loop.", "turn"),
    Figure("vtep_ofapp_turns_failed_total", "Turns that a bug ended.", _one("failed_turns")),
    Duration("vtep_ofapp_bundle_seconds", "From a bundle to the switch's answer.", "bundle"),
    Figure(
        "vtep_ofapp_bundles_failed_total",
        "Bundles that a switch refused, or that were lost.",
        _one("failed_bundles"),
    ),
    Figure("vtep_ofapp_flow_changes_total", "Changes in bundles.", _one("flow_changes")),
    Duration("vtep_ofapp_read_back_seconds", "Reading flows and groups back.", "read_back"),
    Duration(
        "vtep_ofapp_row_to_flow_seconds",
        "From a change of hardware_vtep to the switch's answer to the flows that it caused.",
        "row_to_flow",
    ),
)


def of_features(answer: Answer) -> Iterator[Figure]:
    """Yield the figures of each bridge that the features of the application declare."""
    for each in answer["figures"]:
        name = each["figure"]
        yield Figure(f"vtep_ofapp_bridge_{name}", each["meaning"], _bridges(name), ("bridge",))


class Figures(Collector):
    """Asks the application at each scrape."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics; without an answer only that there is none."""
        up = Metric(UP, "Whether the application answers.", "gauge")
        try:
            answer = self._application.json("metrics/show")
        except (NoAnswer, CommandFailed):
            up.add_sample(UP, {}, 0.0)
            yield up
            return
        up.add_sample(UP, {}, 1.0)
        yield up
        for figure in (*FIGURES, *of_features(answer)):
            yield figure.metric(answer)
