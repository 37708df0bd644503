"""A Debian tree in use: commands run in it as on a machine of its own, and change a copy."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from sim.command import Refused
from sim.debian.pip import pip_settings
from sim.debian.release import check_machine
from sim.lab.namespaces import CommandFailed

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "DEBIAN_FRONTEND": "noninteractive",
}
INHERITED = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "TERM", "CI")
"""Variables that commands in a tree have from this process; proxies in capital letters too."""

UNSHARE = ("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child")

_READY = "the tree is entered"
_PATIENCE = 30.0
"""Seconds to end the processes of a tree."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A file or folder of this machine that a tree has too."""

    source: Path
    target: str
    """Its path in the tree."""
    is_copy: bool = False
    """Whether the tree may write to it: it writes to a copy of its own then."""


class Tree:
    """A release that `unpack` has unpacked, entered: a context manager.

    Its processes have their own mounts, processes, shared memory, /tmp and /run; the network is
    that of the machine. They see a writable copy of the release, which is held in memory and gone
    at the end; a daemon that a command has started lives until then. No service starts by itself
    when a package is installed. pip finds packages where pip of this machine finds them.
    """

    def __init__(self, root: Path, bound: Iterable[Bound] = ()) -> None:
        """Name the folder of the release, and what of this machine is visible in it."""
        self.root = root
        self._pip = pip_settings()
        self._bound = [
            *(Bound(folder, str(folder)) for folder in sorted(self._pip.folders)),
            *(Bound(file, target) for file, target in self._pip.files.items()),
            *bound,
        ]
        self._holder: subprocess.Popen[str] | None = None

    def __enter__(self) -> Tree:
        """Enter the tree. Raises Refused if this machine does not allow it."""
        check_machine()
        self._holder = subprocess.Popen(
            [*UNSHARE, "sh", "-euc", entering(self.root, self._bound)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert self._holder.stdout
        said = []
        for line in self._holder.stdout:
            if line.strip() == _READY:
                return self
            said.append(line.strip())
        self.__exit__(None, None, None)
        raise Refused(f"the tree {self.root} cannot be entered: {' '.join(said) or 'no reason'}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Kill all processes of the tree; what they wrote is gone."""
        holder, self._holder = self._holder, None
        if not holder:
            return
        assert holder.stdin
        holder.stdin.close()
        try:
            holder.wait(_PATIENCE)
        finally:
            holder.kill()
            holder.wait()
            if holder.stdout:
                holder.stdout.close()

    @property
    def path(self) -> Path:
        """The tree's files as its processes see them, for this process to read and write.

        An absolute symbolic link in it leads to a file of this machine.
        """
        return Path(f"/proc/{self._pid}/root")

    def command(
        self,
        argv: Sequence[str],
        *,
        cwd: str = "/root",
        env: Mapping[str, str] | None = None,
    ) -> list[str]:
        """Return the command line that runs `argv` in the tree, with `env` besides its own."""
        variables = {**ENVIRONMENT, **self._pip.environment, **inherited(), **(env or {})}
        spaces = f"/proc/{self._pid}/ns"
        return [
            *("nsenter", f"--mount={spaces}/mnt", f"--ipc={spaces}/ipc"),
            *(f"--pid={spaces}/pid_for_children", "--", "env", "--ignore-environment"),
            *(f"--chdir={cwd}", *(f"{name}={value}" for name, value in variables.items())),
            *argv,
        ]

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: str = "/root",
        env: Mapping[str, str] | None = None,
        check: bool = True,
        timeout: float = 300.0,
    ) -> str:
        """Run a command in the tree, and return what it wrote, errors included.

        Raises CommandFailed when it ends with another exit code than 0 and `check` is set, and
        subprocess.TimeoutExpired after `timeout` seconds, when it is killed with its children.
        """
        with subprocess.Popen(
            self.command(argv, cwd=cwd, env=env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)
                raise
        if check and process.returncode != 0:
            raise CommandFailed(argv, process.returncode, output)
        return output

    @property
    def _pid(self) -> int:
        if self._holder is None:
            raise RuntimeError("the tree is not entered")
        return self._holder.pid


def inherited() -> dict[str, str]:
    """Return the variables of this process that commands in a tree have too."""
    names = {*INHERITED, *(name.upper() for name in INHERITED)}
    return {name: value for name, value in os.environ.items() if name in names}


def entering(root: Path, bound: Iterable[Bound]) -> str:
    """Return the script of the first process of a tree: it makes the mounts, and holds them.

    It lives until its input ends, which is when the process that started it does. A shell, since
    the first process has to wait for those whose parents have ended.
    """
    lines = [
        # Relative paths: in the options of a mount, a colon or a comma would be a separator.
        f'base={shlex.quote(str(root))}; test -d "$base/etc"',
        'mkdir -p "$base.use"; mount -t tmpfs -o mode=755 tree "$base.use"; cd "$base.use"',
        'mkdir base upper work root copies; mount --bind "$base" base',
        "mount -t overlay -o lowerdir=base,upperdir=upper,workdir=work tree root",
        "mount -t proc proc root/proc",
        "mount --rbind /dev root/dev; mount -t tmpfs -o mode=1777 shm root/dev/shm",
        "mount --bind /sys root/sys; mount -o remount,bind,ro root/sys",
        "mount -t tmpfs -o mode=755 run root/run; mkdir -m 1777 root/run/lock",
        "mount -t tmpfs -o mode=1777 tmp root/tmp",
        # The network is the machine's, and so are the names of its hosts.
        "for file in resolv.conf hosts; do cp -L /etc/$file root/etc/$file; done",
        r"printf '#!/bin/sh\nexit 101\n' >root/usr/sbin/policy-rc.d",
        "chmod 755 root/usr/sbin/policy-rc.d",
    ]
    for number, each in enumerate(bound):
        lines.append(_binding(each, f"copies/{number}"))
    lines += [
        "cd root; pivot_root . .; umount -l .; cd /",
        f"echo {shlex.quote(_READY)}",
        "exec >/dev/null 2>&1; cat; exit",
    ]
    return "\n".join(lines)


def _binding(bound: Bound, place: str) -> str:
    """Return the lines that make something of this machine visible in the tree."""
    source = shlex.quote(str(bound.source))
    target = shlex.quote("root/" + bound.target.lstrip("/"))
    if bound.is_copy:
        return "\n".join(
            [
                f"mkdir -p {place}/source {place}/upper {place}/work {target}",
                f"mount --bind {source} {place}/source",
                f"mount -t overlay -o lowerdir={place}/source,upperdir={place}/upper,"
                f"workdir={place}/work copy {target}",
            ]
        )
    return "\n".join(
        [
            f"mkdir -p $(dirname {target})",
            f"if test -d {source}; then mkdir -p {target}; else touch {target}; fi",
            f"mount --bind {source} {target}; mount -o remount,bind,ro {target}",
        ]
    )
