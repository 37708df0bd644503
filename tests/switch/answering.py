"""The application with a made-up feature: the switch answers frames for ADDRESS through us.

The feature sends the frames back where they came in, with the addresses exchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import vtep_ofapp
from vtep_ofapp.engine.cause import Cause
from vtep_ofapp.engine.desired import Desired
from vtep_ofapp.engine.feature import Feature, Owner
from vtep_ofapp.engine.topics import SwitchReplaced, Topic
from vtep_ofapp.engine.view import View
from vtep_ofapp.features import registry
from vtep_ofapp.pipeline.layout import (
    LOGICAL_SWITCH,
    TARGET_BINDING,
    Cookie,
    Priority,
    Table,
    Way,
    flow,
)
from vtep_ofapp.pipeline.learning import source_binding
from vtep_ofapp.pipeline.shown import SHOWN
from vtep_ofapp.pipeline.ways import first
from vtep_ofapp.values.events import PacketIn
from vtep_ofapp.values.flows import Resubmit, SetField, ToController, match
from vtep_ofapp.values.packets import PacketOut

ADDRESS = "02:00:00:00:00:aa"
LENGTH = 60
"""Bytes of a frame that are read."""


@dataclass(frozen=True, slots=True)
class Answerer:
    """The owner of the flow that sends packet-ins."""


def answerer(key: Answerer, view: View) -> Desired:
    requests = match({"eth_dst": ADDRESS})
    to_us = ToController(LENGTH)
    show = flow(Table.UNICAST, Priority.FORBIDDEN, requests, to_us, producer=Cookie.UNICAST)
    return Desired((show,))


def because(key: Answerer, view: View) -> Iterator[Cause]:
    yield Cause(f"frames for {ADDRESS} are answered")


def answer(packet: PacketIn, view: View) -> Iterable[Topic]:
    frame, numbers = packet.header, source_binding(packet.fields)
    assert numbers is not None, packet
    logical_switch, binding = numbers
    actions = (
        SetField(LOGICAL_SWITCH, logical_switch),
        SetField(TARGET_BINDING, binding),
        Resubmit(first(Way.TO_BINDING)),
    )
    return [PacketOut(frame[6:12] + frame[:6] + frame[12:], actions)]


class Answering(vtep_ofapp.VtepApp):
    """The application; os-ken starts applications that the module itself defines."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        SHOWN[Cookie.UNICAST] = lambda frame: frame[:LENGTH]
        registry.FEATURES += (
            Feature(
                owners=(Owner(Answerer, answerer, because),),
                invalidated_by={SwitchReplaced: lambda topic, view: [Answerer()]},
                packets={Cookie.UNICAST: answer},
            ),
        )
        super().__init__(*args, **kwargs)
