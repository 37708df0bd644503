"""What all features declare, merged once into tables by type."""

from collections import defaultdict
from collections.abc import Iterable

from .feature import Feature, Listener, Owner, TunnelUser
from .operator_view import Concerned, Verdict


class FeatureTables:
    """The owners, listeners, states and timers of all features.

    ``owners`` are found by the type of their keys, ``listeners`` by the type of a topic, and
    ``packets`` by the producer of the flow that caused the packet-in.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features = tuple(features)
        self.owners: dict[type, Owner | TunnelUser] = {}
        packets: defaultdict[int, list[Listener]] = defaultdict(list)
        listeners: defaultdict[type, list[Listener]] = defaultdict(list)
        for feature in self.features:
            for owner in feature.owners:
                if owner.key in self.owners:
                    raise ValueError(f"two features have owners with {owner.key.__name__}")
                self.owners[owner.key] = owner
            for producer, take in feature.packets.items():
                packets[producer].append(take)
            for kind, listener in feature.invalidated_by.items():
                listeners[kind].append(listener)
        self.packets = {producer: tuple(each) for producer, each in packets.items()}
        self.listeners = {kind: tuple(each) for kind, each in listeners.items()}
        (self.tunnels,) = (each.tunnels for each in self.features if each.tunnels)
        (self.precedence,) = (each.precedence for each in self.features if each.precedence)
        self.steps = [each.steps for each in self.features if each.steps]
        self.states = [make for each in self.features for make in each.states]
        self.counters = [take for each in self.features for take in each.counters]
        self.counted = [each.counted for each in self.features if each.counted]
        self.timers = [timer for each in self.features for timer in each.timers]
        self.reports = [make for each in self.features for make in each.reports]
        self.fault_columns = [column for each in self.features for column in each.fault_columns]
        self.figures = [figure for each in self.features for figure in each.figures]
        self.limits = [limit for each in self.features for limit in each.limits]
        self.verdicts: dict[type, Verdict] = {}
        subjects: defaultdict[str, list[Concerned]] = defaultdict(list)
        for feature in self.features:
            self.verdicts |= feature.verdicts
            for name, concerned in feature.subjects.items():
                subjects[name].append(concerned)
        self.subjects = {name: tuple(each) for name, each in subjects.items()}
        self.rows = [kind for each in self.features for kind in each.rows]
