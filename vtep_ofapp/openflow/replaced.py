"""Replaces two functions of os-ken: its OpenFlow server, and its parsing of messages.

os-ken has no option for either. tests/contracts/ checks that os-ken still calls both.
"""

import os_ken.base.app_manager  # noqa: F401  (the next one and it import each other)
from os_ken.controller import controller
from os_ken.ofproto import ofproto_parser

from . import message_filter
from .server import Listener


def install(listener: Listener) -> None:
    """Make os-ken accept connections with Listener, and parse messages with message_filter.

    The application calls this once, before os-ken listens.
    """
    controller.StreamServer = lambda *_, **__: listener
    ofproto_parser.msg = message_filter.message
