"""The guide's numbered steps, each with what it does and what proves it."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sim import proofs
from sim.lab import Lab
from sim.waiting import WaitFailed

Act = Callable[[Lab], None]
Proof = Callable[[Lab], str]


def _commands(*lines: str) -> Act:
    """Return the act of running these command lines on the VTEP."""

    def run(lab: Lab) -> None:
        for line in lines:
            lab.vtep.do(*shlex.split(line))

    return run


def _start_switch(lab: Lab) -> None:
    lab.vtep.ovs_vswitchd.start()
    lab.vtep.connect_underlay()


def _connect_manager(lab: Lab) -> None:
    lab.nvc.start()
    lab.vtep.do("vtep-ctl", "set-manager", lab.nvc.target)


@dataclass(frozen=True)
class Step:
    """One step of the guide: its sentence, what it does, and what proves that it worked."""

    title: str
    act: Act
    prove: Proof


@dataclass(frozen=True)
class Part:
    """One numbered list of the guide."""

    title: str
    steps: Sequence[Step]


STARTUP = Part(
    "Startup",
    (
        Step(
            "Create the initial OVS and VTEP schemas",
            lambda lab: lab.vtep.create_databases(),
            proofs.databases_exist,
        ),
        Step(
            "Start ovsdb-server and have it handle both databases",
            lambda lab: lab.vtep.ovsdb_server.start(),
            proofs.server_serves_both,
        ),
        Step("Start ovs-vswitchd", _start_switch, proofs.switch_answers),
        Step(
            'Create a "physical" switch and its ports in OVS',
            lambda lab: lab.vtep.add_bridge(*lab.vtep.ports),
            proofs.switch_forwards,
        ),
        Step(
            "Configure the physical switch in the VTEP database",
            lambda lab: lab.vtep.add_physical_switch(),
            proofs.tunnel_address_answers,
        ),
        Step(
            "Start vtep_ofapp, in the VTEP emulator's place",
            lambda lab: lab.app.take_over(),
            proofs.controller_reports_ports,
        ),
        Step(
            "Configure the VTEP database's manager to point at an NVC",
            _connect_manager,
            proofs.nvc_reads_the_switch,
        ),
    ),
)

# The guide binds p0 alone, and names the hypervisor only in its last step. Binding p1 and adding
# the hypervisor to unknown-dst make VM2 and the replication modes visible.
NVC = Part(
    "Simulating an NVC",
    (
        Step(
            "Create a logical switch",
            _commands("vtep-ctl add-ls ls0"),
            proofs.logical_switch_is_alone,
        ),
        Step(
            "Bind the logical switch to a port (and to VM2's, too)",
            _commands(
                "vtep-ctl bind-ls br0 p0 0 ls0",
                "vtep-ctl set Logical_Switch ls0 tunnel_key=33",
                "vtep-ctl bind-ls br0 p1 0 ls0",
            ),
            proofs.bound_ports_learn,
        ),
        Step(
            "Direct unknown destinations out a tunnel",
            _commands("vtep-ctl add-mcast-remote ls0 unknown-dst 10.2.2.2"),
            proofs.service_node_gets_unknown,
        ),
        Step(
            "Change the replication mode to source_node (with a second tunnel in the set)",
            _commands(
                "vtep-ctl add-mcast-remote ls0 unknown-dst 10.2.2.3",
                "vtep-ctl set-replication-mode ls0 source_node",
            ),
            proofs.source_node_replicates,
        ),
        Step(
            "Direct unicast destinations out a different tunnel",
            _commands("vtep-ctl add-ucast-remote ls0 00:11:22:33:44:55 10.2.2.3"),
            proofs.unicast_takes_its_tunnel,
        ),
    ),
)


def perform(lab: Lab, *parts: Part) -> None:
    """Do the steps of these parts and show their commands; prove nothing. Raises what fails."""
    with _commands_shown(lab):
        for part in parts:
            for number, step in enumerate(part.steps, start=1):
                _show_step(part, number, step)
                step.act(lab)


def demonstrate(lab: Lab) -> bool:
    """Do and prove every step, one line of result for each; return whether all are ok.

    The first step that fails is the last one done: those after it stand on it.
    """
    planned = [
        (part, number, step)
        for part in (STARTUP, NVC)
        for number, step in enumerate(part.steps, start=1)
    ]
    started = time.monotonic()
    done = 0
    for part, number, step in planned:
        _show_step(part, number, step)
        began = time.monotonic()
        try:
            with _commands_shown(lab):
                step.act(lab)
            proved = step.prove(lab)
        except Exception as error:
            _show_failure(lab, f"{part.title} {number}", error)
            break
        done += 1
        seconds = time.monotonic() - began
        print(f"{_paint('ok', 32)}      {part.title} {number}: {proved} ({seconds:.1f} s)")
    missing = len(planned) - done - 1
    verdict = "all steps ok" if done == len(planned) else f"1 FAILED, {missing} not reached"
    seconds = time.monotonic() - started
    print(f"\n{done} of {len(planned)} steps of the guide ok in {seconds:.0f} s: {verdict}")
    return done == len(planned)


@contextlib.contextmanager
def _commands_shown(lab: Lab) -> Iterator[None]:
    """Show the commands that change the VTEP while this lasts."""
    before, lab.vtep.on_command = lab.vtep.on_command, _show_command
    try:
        yield
    finally:
        lab.vtep.on_command = before


def _show_step(part: Part, number: int, step: Step) -> None:
    print(f"\n{_paint(f'{part.title}, step {number} of {len(part.steps)}', 1)}: {step.title}")


def _show_command(argv: Sequence[str]) -> None:
    print(f"    $ {shlex.join(argv)}")


def _show_failure(lab: Lab, where: str, error: Exception) -> None:
    """Print the step's line, and beside it, on standard error, what helps to find the cause."""
    reason = error.awaited if isinstance(error, WaitFailed) else f"{error}" or repr(error)
    print(f"{_paint('FAILED', 31)}  {where}: {reason}")
    if isinstance(error, WaitFailed):
        print(error.evidence, file=sys.stderr)
        return
    if not isinstance(error, AssertionError):
        traceback.print_exception(type(error), error, error.__traceback__)
    print(lab.evidence(), file=sys.stderr)


def _paint(text: str, code: int) -> str:
    """Return the text in a colour of the terminal, or as it is where there is none."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    return f"\033[{code}m{text}\033[0m"
