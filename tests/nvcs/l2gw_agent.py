"""The OVSDB client of networking-l2gw's agent, driven by lines of JSON.

In an installation the agent's manager makes these calls when Neutron's plugin asks for them, and
sends to the plugin what the monitor hears. Here each line of standard input is a call in JSON, and
each line of standard output an answer, or what was heard. There is no Neutron. It runs in an
environment that has the packages of l2gw.txt, and imports nothing of ours.

usage: l2gw_agent.py IDENTIFIER ADDRESS PORT
"""

import json
import sys

from networking_l2gw.services.l2gateway import exceptions
from networking_l2gw.services.l2gateway.agent import l2gateway_config
from networking_l2gw.services.l2gateway.agent.ovsdb import ovsdb_monitor, ovsdb_writer
from oslo_config import cfg

OPTIONS = [
    cfg.BoolOpt("enable_manager", default=False),
    cfg.IntOpt("socket_timeout", default=30),
    cfg.IntOpt("max_connection_retries", default=10),
]
"""The options that the client reads, with their defaults: their module imports Neutron."""

ATTEMPTS = 100
"""How often the monitor is started. It waits for the first answer of the database for 1000 turns of
its thread and no longer, which may be less than the server takes."""


def say(what: str, content: object) -> None:
    """Write a line of JSON."""
    sys.stdout.write(json.dumps({what: content}) + "\n")
    sys.stdout.flush()


def monitor(gateway: l2gateway_config.L2GatewayConfig) -> None:
    """Monitor the database, as the manager starts it."""
    for _ in range(ATTEMPTS):
        heard = ovsdb_monitor.OVSDBMonitor(
            cfg.CONF.ovsdb, gateway, lambda activity, data: say("heard", data)
        )
        try:
            heard.set_monitor_response_handler()
        except exceptions.OVSDBError as error:
            heard.disconnect()
            say("refused", str(error))
        else:
            return


def call(gateway: l2gateway_config.L2GatewayConfig, method: str, arguments: list[object]) -> None:
    """Write to the database, by a connection for this call, as the manager does."""
    writer = ovsdb_writer.OVSDBWriter(cfg.CONF.ovsdb, gateway)
    try:
        getattr(writer, method)(*arguments)
    except exceptions.OVSDBError as error:
        say("answer", str(error))
    else:
        say("answer", None)
    finally:
        writer.disconnect()


def main(identifier: str, address: str, port: str) -> None:
    """Monitor the database, and make the calls that are read."""
    cfg.CONF.register_opts(OPTIONS, "ovsdb")
    cfg.CONF([])
    gateway = l2gateway_config.L2GatewayConfig(
        {"ovsdb_identifier": identifier, "ovsdb_ip": address, "ovsdb_port": port}
    )
    monitor(gateway)
    for line in sys.stdin:
        method, arguments = json.loads(line)
        call(gateway, method, arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
