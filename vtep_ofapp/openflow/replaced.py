"""What is replaced in os-ken: the server that it makes, and how it reads a message.

os-ken has no option for either. tests/contracts/ drives os-ken's own way to both.
"""

from os_ken.controller import controller
from os_ken.ofproto import ofproto_parser

from . import message_filter
from .server import Listener


def install(listener: Listener) -> None:
    """Let os-ken take connections by the listener, and read messages by message_filter.

    It is called once, by the application, before os-ken listens.
    """
    controller.StreamServer = lambda *_, **__: listener
    ofproto_parser.msg = message_filter.message
