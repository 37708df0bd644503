"""``supportbundle``: all that a bug report needs in one file, without keys."""

import logging
import os
import platform
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from typing import IO, Any

from ..engine.desired_actual import DesiredActual
from ..engine.switch_state import SwitchState
from ..process import log_tail
from ..version import VERSION
from .answer import Answer, WrongWords
from .answering import begin
from .command import Command, Running

LOG = logging.getLogger("vtep_ofapp.control")

_LIBRARIES = ("os-ken", "ovs", "eventlet", "greenlet", "oslo.config")

Pause = Callable[[], None]
Member = tuple[str, Iterable[str]]
"""The name of a file in the bundle, and the parts of its text."""


def _write(arguments: Sequence[str], running: Running) -> Answer:
    """Write the bundle to a file that does not exist yet. Raises WrongWords."""
    path = arguments[0]
    if not os.path.isabs(path):
        raise WrongWords(f"{path}: give the whole path; the process runs in {os.getcwd()}")
    try:
        names = _create(path, running)
        return Answer({"file": path, "bytes": os.path.getsize(path), "members": len(names)})
    except OSError as error:
        raise WrongWords(f"{path}: {error.strerror or error}") from None


def _create(path: str, running: Running) -> list[str]:
    """Create the file, and return the names of its members; no part of it is left on an error."""
    pause = running.components.turns.pacer()
    folder = os.path.basename(path).partition(".")[0]
    names = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            open(descriptor, "wb") as file,
            tarfile.open(fileobj=file, mode="w:gz", compresslevel=1) as bundle,
        ):
            for name, parts in _members(running):
                names.append(name)
                _add(bundle, f"{folder}/{name}", parts, pause)
    except BaseException:
        os.unlink(path)
        raise
    return names


class _Slices:
    """A file that is read with pauses."""

    def __init__(self, file: IO[bytes], pause: Pause) -> None:
        self._file = file
        self._pause = pause

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        self._pause()
        return self._file.read(size)


def _add(bundle: tarfile.TarFile, name: str, parts: Iterable[str], pause: Pause) -> None:
    """Add a member; its size has to be known first, so it is gathered in a temporary file."""
    with tempfile.TemporaryFile() as gathered:
        for part in parts:
            gathered.write(part.encode(errors="replace"))
            pause()
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = gathered.tell(), 0o600, int(time.time())
        gathered.seek(0)
        bundle.addfile(info, _Slices(gathered, pause))


def _members(running: Running) -> Iterator[Member]:
    yield "versions.txt", _versions()
    yield "options.txt", (f"{name} = {value}\n" for name, value in running.options.items())
    for command in running.commands:
        if not command.has_effect and not command.bounds[0]:
            name = f"commands/{command.name.replace('/', '_')}"
            yield f"{name}.txt", _answer(command, running, as_json=False)
            yield f"{name}.json", _answer(command, running, as_json=True)
    for state in list(running.components.switches.states()):
        yield f"desired/{state.name}.txt", _desired(state)
        yield f"desired/{state.name}.differing.txt", _differing(state)
    yield "rows.txt", _rows(running)
    yield "log.txt", log_tail.read(logging.getLogger().handlers)


def _versions() -> Iterator[str]:
    yield f"vtep_ofapp {VERSION}\n"
    for library in _LIBRARIES:
        try:
            yield f"{library} {version(library)}\n"
        except PackageNotFoundError:
            yield f"{library} is not installed as a package\n"
    yield f"Python {sys.version}\n{platform.platform()}\n"


def _answer(command: Command, running: Running, as_json: bool) -> Iterator[str]:
    """Yield the answer of a command. One that fails is a bug, which the report is to show."""
    try:
        yield from begin(command, [], running, as_json).parts
    except WrongWords as error:
        yield f"{error}\n"
    except Exception:
        LOG.exception("a command failed: %s", command.name)
        yield "a bug, which is in the log\n"


def _desired(state: SwitchState) -> Iterator[str]:
    """Yield the desired groups and flows, as ovs-ofctl reads them."""
    groups, flows = list(state.groups.wanted.values()), list(state.flows.wanted.values())
    return (f"{each}\n" for each in chain(groups, flows))


def _differing(state: SwitchState) -> Iterator[str]:
    """Yield what the switch has, and what is desired instead."""
    kinds: Sequence[DesiredActual[Any, Any]] = (state.groups, state.flows, state.tunnel_ports)
    for each in kinds:
        for key in each.differing():
            yield f"- {each.actual.get(key)}\n+ {each.wanted.get(key)}\n"


def _rows(running: Running) -> Iterator[str]:
    """Yield the bridges, and the rows of hardware_vtep, as they were read."""
    components = running.components
    for bridge in list(components.hosts.bridges()):
        yield f"{bridge}\n"
    for uuid in list(components.model.rows()):
        yield f"{components.model.row(uuid)}\n"


COMMANDS = (
    Command(
        "supportbundle",
        "FILE",
        "Write versions, options, all answers, flows, rows and the log into a new .tar.gz file.",
        _write,
        has_effect=True,
    ),
)
