"""Steps that a lab goes through, each with what it does and what proves that it worked."""

from __future__ import annotations

import contextlib
import functools
import os
import shlex
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sim.lab.network import EmptyLab
from sim.progress import doing
from sim.waiting import WaitFailed

AnyLab = TypeVar("AnyLab", bound=EmptyLab)


@dataclass(frozen=True)
class Step(Generic[AnyLab]):
    """One step: its sentence, what it does, and what proves that it worked.

    A proof returns one line that says what was proved, and raises AssertionError if it is not so.
    """

    title: str
    act: Callable[[AnyLab], None] | None
    prove: Callable[[AnyLab], str]

    def do(self, lab: AnyLab) -> None:
        """Do what the step says; some steps consist of their proof alone."""
        if self.act is not None:
            self.act(lab)


@dataclass(frozen=True)
class Part(Generic[AnyLab]):
    """Steps that belong together."""

    title: str
    steps: Sequence[Step[AnyLab]]


def perform(lab: AnyLab, *parts: Part[AnyLab]) -> None:
    """Do the steps of these parts and show their commands; prove nothing. Raises what fails."""
    with _commands_shown(lab):
        for part in parts:
            for number, step in enumerate(part.steps, start=1):
                _show_step(part, number, step)
                with doing(step.title):
                    step.do(lab)


def demonstrate(lab: AnyLab, what: str, *parts: Part[AnyLab]) -> bool:
    """Do and prove every step, one line of result for each; return whether all are ok.

    The first step that fails is the last one done: later steps depend on it.
    """
    planned = [
        (part, number, step) for part in parts for number, step in enumerate(part.steps, start=1)
    ]
    started = time.monotonic()
    done = 0
    for place, (part, number, step) in enumerate(planned, start=1):
        _show_step(part, number, step)
        began = time.monotonic()
        try:
            with doing(f"step {place} of {len(planned)}"):
                with _commands_shown(lab):
                    step.do(lab)
                with doing(f"proving that it worked: {step.title}"):
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
    print(f"\n{done} of {len(planned)} {what} ok in {seconds:.0f} s: {verdict}")
    return done == len(planned)


@contextlib.contextmanager
def _commands_shown(lab: EmptyLab) -> Iterator[None]:
    """Show the commands that change a VTEP while this lasts."""
    before = {vtep: vtep.on_command for vtep in lab.vteps.values()}
    for vtep in before:
        vtep.on_command = functools.partial(_show_command, vtep.name if len(before) > 1 else "")
    try:
        yield
    finally:
        for vtep, on_command in before.items():
            vtep.on_command = on_command


def _show_step(part: Part[AnyLab], number: int, step: Step[AnyLab]) -> None:
    print(f"\n{_paint(f'{part.title}, step {number} of {len(part.steps)}', 1)}: {step.title}")


def _show_command(where: str, argv: Sequence[str]) -> None:
    print(f"    {where}$ {shlex.join(argv)}")


def _show_failure(lab: EmptyLab, where: str, error: Exception) -> None:
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
