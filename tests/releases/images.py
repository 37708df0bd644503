"""Container images, built and run by Debian's buildah without any registry.

Commands run with `--isolation chroot`: in the image's files, with the user and the capabilities
that are asked for, with the network and the process ids of the caller.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.debian.release import TREES, unpack
from sim.lab.process import CHECKOUT

BASE = "localhost/debian:trixie-slim"
"""The base that the Containerfile names, as buildah stores it. Here it is Debian 13 as mmdebstrap
unpacks it."""

CONTAINERFILE = CHECKOUT / "etc" / "container" / "Containerfile"


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended: its exit code, and all that it printed."""

    code: int
    output: str


class Store:
    """Images in a folder. It is kept, and with it the layers of what did not change."""

    def __init__(self, folder: Path = TREES / "images") -> None:
        """Name the folder."""
        self.folder = folder

    def command(self, *words: str | Path) -> list[str]:
        """Return the command line of buildah for these images."""
        root, run, temporary = (self.folder / each for each in ("root", "run", "tmp"))
        temporary.mkdir(parents=True, exist_ok=True)
        # A buildah that is killed leaves a folder there.
        buildah = ["env", f"TMPDIR={temporary}", "buildah"]
        return [*buildah, "--root", str(root), "--runroot", str(run), *map(str, words)]

    def buildah(self, *words: str | Path) -> str:
        """Run buildah, which must succeed; return what it wrote to standard output."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def build(self, target: str = "") -> str:
        """Build the Containerfile, up to a target or whole; return the image's name."""
        self._make_base()
        name = f"localhost/vtep-ofapp:{target or 'latest'}"
        words = ["--pull-never", "--layers", "--format", "docker", "--isolation", "chroot"]
        words += ["--target", target] if target else []
        self.buildah("bud", *words, "--file", CONTAINERFILE, "--tag", name, CHECKOUT)
        return name

    def config(self, image: str) -> dict[str, Any]:
        """Return what an image says of how it is run: Entrypoint, Cmd, Healthcheck, User."""
        found = json.loads(self.buildah("inspect", "--type", "image", image))
        return dict(found["Docker"]["config"])

    @contextmanager
    def container(self, image: str) -> Iterator[Container]:
        """Make a container of an image, and remove it at the end."""
        name = self.buildah("from", "--pull-never", image)
        try:
            yield Container(self, name, self.config(image))
        finally:
            self.buildah("rm", name)

    def _make_base(self) -> None:
        """Make the base image of a Debian 13 tree; an image that is there stays."""
        if BASE in self.buildah("images", "--format", "{{.Name}}:{{.Tag}}").splitlines():
            return
        tree = unpack("trixie")
        container = self.buildah("from", "scratch")
        try:
            self.buildah("add", "--quiet", container, tree, "/")
            self.buildah("commit", "--quiet", container, BASE)
        finally:
            self.buildah("rm", container)


@dataclass(frozen=True, slots=True)
class Container:
    """A container, in which several commands may run at once."""

    store: Store
    name: str
    config: Mapping[str, Any]
    """What its image says of how it is run."""

    def command(
        self,
        argv: Sequence[str],
        *,
        mounts: Mapping[Path, str] | None = None,
        capabilities: Sequence[str] = (),
        user: str = "",
    ) -> list[str]:
        """Return the command line that runs `argv` in the container.

        `mounts` are files and folders of this machine and their paths in the container. There are
        no capabilities, or if some are named, these besides the usual ones.
        """
        words = ["--isolation", "chroot"]
        words += [word for each in capabilities for word in ("--cap-add", each)]
        words += [] if capabilities else ["--cap-drop", "all"]
        words += [
            word
            for source, path in (mounts or {}).items()
            for word in ("--volume", f"{source}:{path}")
        ]
        words += ["--user", user] if user else []
        return self.store.command("run", *words, self.name, "--", *argv)

    def main(self) -> list[str]:
        """Return what the container runs if it is told nothing else."""
        return [*self.config["Entrypoint"], *(self.config["Cmd"] or ())]

    def health(self) -> list[str]:
        """Return the command that says whether it is healthy."""
        how, *words = self.config["Healthcheck"]["Test"]
        assert how == "CMD"
        return list(words)
