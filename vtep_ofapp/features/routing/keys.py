"""The owners of routing, beside Interface and Route, which others may listen to."""

from typing import NamedTuple
from uuid import UUID


class RouterTables(NamedTuple):
    """The owner of the flows that every bridge with a router has."""


class WholeRouter(NamedTuple):
    """The owner of the flows of a router that are the same for all of its interfaces."""

    router: UUID


class FirstRouter(NamedTuple):
    """The owner of the flows for packets that any router of a logical switch may take.

    Of several routers it is the one with the least name: they cannot be told apart.
    """

    logical_switch: UUID
