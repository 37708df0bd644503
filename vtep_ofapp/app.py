"""The application class. It only wires the parts together.

These are the connections (OpenFlow), the databases (OVSDB) and the loop between them.
"""

import logging
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import partial
from typing import Any

import eventlet
from os_ken.base.app_manager import OSKenApp
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3

from .commands.command import Running
from .commands.registry import COMMANDS
from .control.start import CannotStart, open_socket, write_pidfile
from .loop import signals
from .loop.components import build_components
from .loop.databases import HARDWARE_VTEP
from .loop.inbox import Inbox
from .loop.loop import Loop
from .loop.measures import Measures
from .loop.timers import Timers
from .loop.turn_clock import TurnClock
from .openflow import listening, server
from .openflow import replaced as replaced_in_os_ken
from .openflow.connections import Connections
from .openflow.tls import Certificates
from .ovsdb import replaced as replaced_in_ovs
from .ovsdb.client import Database, use_tls
from .ovsdb.hardware_vtep.tables import VtepTables
from .ovsdb.open_vswitch.tables import OpenVSwitchTables
from .process import collector, config, log_format, log_limits, log_tail, unused_options
from .process import host as this_host
from .process.options import BadOption
from .process.systemd import ServiceManager
from .recording.contents import Header
from .recording.recorder import NoRecord, Recorder
from .values.events import AccountIsDue, Event
from .version import VERSION

LOG = logging.getLogger("vtep_ofapp")

config.register()


def _listener(openflow: config.OpenFlow) -> server.Listener:
    """Return the OpenFlow listener; it already listens.

    Raises BadOption and CannotListen.
    """
    certificates, tls = None, openflow.tls
    if tls is not None:
        try:
            certificates = Certificates(tls.key, tls.certificate, tls.ca, openflow.ciphers)
        except OSError as error:
            raise BadOption(f"[DEFAULT] {', '.join(config.OPENFLOW_TLS)}: {error}") from None
    sockets = [listening.tcp(openflow.host, openflow.port, openflow.option, certificates)]
    if openflow.socket is not None:
        sockets.append(listening.unix(openflow.socket))
    return server.Listener(sockets)


def _record(options: config.Options, clock: TurnClock) -> NoRecord:
    """Return the record of this process, if the option asks for one."""
    if options.record is None:
        return NoRecord()
    began = datetime.now(timezone.utc).isoformat(timespec="seconds")
    names = tuple(options.ovs_db)
    header = Header(VERSION, began, clock(), options.settings, names, options.listener)
    return Recorder(options.record, header, clock, lambda: eventlet.sleep(0))


@contextmanager
def _turn(clock: TurnClock, record: NoRecord, events: Sequence[Event]) -> Iterator[None]:
    """Return the context of a turn with these events."""
    with clock.turn(), record.turn(events):
        yield


class VtepApp(OSKenApp):  # type: ignore[misc]
    """The application. Its handlers pass os-ken's events to the connections."""

    __module__ = "vtep_ofapp"
    """os-ken takes only a class whose module has the name that it was given."""
    OFP_VERSIONS = (ofproto_v1_3.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        log_format.install_everywhere()
        log_tail.install(logging.getLogger())
        try:
            strange = unused_options.check(sys.argv[1:])
            options = config.read()
            write_pidfile(options)
            listener = _listener(options.openflow)
        except (BadOption, CannotStart, listening.CannotListen) as error:
            LOG.critical("vtep_ofapp: %s", error)
            raise SystemExit(1) from None
        for line in strange:
            LOG.warning("%s", line)
        if options.tls is not None:
            use_tls(options.tls.key, options.tls.certificate, options.tls.ca)
        collector.install(eventlet.spawn_after)
        log_limits.install(eventlet.spawn_after)
        replaced_in_ovs.install()
        replaced_in_os_ken.install(listener)
        measures = Measures()
        self._inbox = inbox = Inbox(measures.packet_ins)
        self._connections = Connections(inbox.post)
        vtep = HARDWARE_VTEP, options.vtep_db, VtepTables()
        self._vtep = Database(*vtep, inbox.post, options.lock)
        self._openvswitch = {
            name: Database(name, remotes, OpenVSwitchTables(name, options.mark), inbox.post)
            for name, remotes in options.ovs_db.items()
        }
        clock = TurnClock()
        record = _record(options, clock)
        components = build_components(
            record.writer(HARDWARE_VTEP, self._vtep),
            {name: record.writer(name, each) for name, each in self._openvswitch.items()},
            options.settings,
            Timers(inbox.post, clock),
            options.listener,
            measures,
            record.host(this_host),
        )
        self._loop = Loop(components, inbox, ServiceManager(), partial(_turn, clock, record))
        self._options = options
        self._running = Running(
            components, inbox, config.shown(), time.time(), signals.end, COMMANDS
        )

    def start(self) -> None:
        """Start the loop and the database clients, once every application is loaded.

        SIGTERM ends the process as Ctrl-C does, at once and with exit code 0. No state has to be
        saved: the switches keep their flows. On SIGUSR1 the numbers of messages are logged.
        """
        super().start()
        for number in (signal.SIGTERM, signal.SIGINT):
            signals.on(number, signals.end)
        signals.on(signal.SIGUSR1, lambda: self._inbox.post(AccountIsDue()))
        eventlet.spawn(self._loop.run)
        self._listen_for_commands()
        self._vtep.start()
        for database in self._openvswitch.values():
            database.start()

    def _listen_for_commands(self) -> None:
        try:
            control = open_socket(self._options, self._running)
        except CannotStart as error:
            LOG.critical("vtep_ofapp: %s", error)
            raise SystemExit(1) from None
        if control is not None:
            eventlet.spawn(control.serve)

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])
    def state_changed(self, event: Any) -> None:
        """Pass on that a datapath finished the handshake or disconnected."""
        self._connections.state_changed(event.datapath, event.state)

    @set_ev_cls(
        [
            ofp_event.EventOFPPacketIn,
            ofp_event.EventOFPFlowRemoved,
            ofp_event.EventOFPFlowStatsReply,
            ofp_event.EventOFPGroupDescStatsReply,
            ofp_event.EventOFPPortStatsReply,
            ofp_event.EventOFPExperimenterStatsReply,
            ofp_event.EventOFPExperimenter,
            ofp_event.EventONFBundleCtrlMsg,
            ofp_event.EventOFPRoleReply,
            ofp_event.EventOFPEchoReply,
            ofp_event.EventOFPErrorMsg,
        ],
        MAIN_DISPATCHER,
    )
    def received(self, event: Any) -> None:
        """Pass on a message from a datapath."""
        self._connections.received(event.msg)
