"""What pip in a tree needs, so that it finds packages where pip of this machine does."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

FILES = "/run/pip"
"""Where a tree has the files that pip's settings name: at their own path, such as that of the
certificates, they would be in the way of a package that has the same file."""

OF_PROCESS = ("user", "target", "prefix", "root", "require-virtualenv", "cache-dir", "log")
"""Settings about the machine's own folders."""


@dataclass
class PipSettings:
    """The settings of pip as variables, and what has to be visible in the tree for them."""

    environment: dict[str, str] = field(default_factory=dict)
    files: dict[Path, str] = field(default_factory=dict)
    """Files of this machine, each with its path in the tree."""
    folders: set[Path] = field(default_factory=set)
    """Folders of this machine, which have the same path in the tree."""


def pip_settings() -> PipSettings:
    """Return the settings of pip on this machine: of its files and its environment."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return for_tree(parsed(listed.stdout if listed.returncode == 0 else ""))


def parsed(listing: str) -> dict[str, str]:
    """Return the settings that `pip config list` printed, by their names without section.

    A variable counts more than a section of a command, and that more than the section `global`.
    """
    found: dict[str, tuple[int, str]] = {}
    for line in listing.splitlines():
        key, is_setting, value = line.partition("=")
        section, has_section, name = key.rpartition(".")
        if not (is_setting and has_section):
            continue
        rank = {"global": 0, ":env:": 2}.get(section, 1)
        if rank >= found.get(name, (0, ""))[0]:
            found[name] = (rank, str(ast.literal_eval(value)))
    return {name: value for name, (_, value) in found.items()}


def for_tree(settings: Mapping[str, str]) -> PipSettings:
    """Return these settings for a tree; of local files and folders those that exist."""
    made = PipSettings()
    for name, value in settings.items():
        if name not in OF_PROCESS:
            words = [_word(word, made) for word in value.split()]
            made.environment[f"PIP_{name.upper().replace('-', '_')}"] = " ".join(words)
    return made


def _word(word: str, made: PipSettings) -> str:
    """Return a word of a setting as it has to be in the tree, and note what it needs there."""
    url = urlsplit(word)
    path = Path(unquote(url.path)) if url.scheme == "file" else Path(word)
    if not path.is_absolute() or path == Path("/"):
        return word
    if path.is_dir():
        # Pages of an index link to files that lie beside it.
        is_index = url.scheme == "file" and path.parent != Path("/")
        made.folders.add(path.parent if is_index else path)
    elif path.is_file():
        if path not in made.files:
            names = {*made.files.values()}
            name = f"{FILES}/{path.name}"
            made.files[path] = name if name not in names else f"{FILES}/{len(names)}-{path.name}"
        return made.files[path] if url.scheme != "file" else f"file://{made.files[path]}"
    return word
