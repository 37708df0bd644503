"""Find options in files or on the command line that would be ignored, as misspelt ones are."""

import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from os_ken import cfg
from oslo_config.cfg import ConfigParser

from .options import OPTIONS, BadOption

_NAMES = frozenset(option.name for option in OPTIONS)
_COMMAND_LINE_ONLY = ("config_file", "config_dir", "user_flags")
"""Options of os-ken that have no effect in a file."""


def check(arguments: Sequence[str]) -> list[str]:
    """Refuse options that would be ignored: raise BadOption if they are ours.

    Return a warning for each that may be another application's. ``arguments`` are those of the
    command line. All applications must have registered their options.
    """
    strange: list[str] = []
    files = dict(_files(arguments)) or dict.fromkeys(cfg.CONF.default_config_files, 0)
    for file, place in files.items():
        contents = _contents(file)
        for group, names in contents.items():
            _check_group(group, names)
            strange += _check_names(group, names)
        _check_order(arguments[:place], file, contents.get("DEFAULT", ()))
    return strange


def _files(arguments: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield each configuration file, and the position of its option on the command line."""
    for place, argument in enumerate(arguments):
        option, is_joined, value = argument.partition("=")
        if not is_joined:
            value = next(iter(arguments[place + 1 :]), "")
        if "--config-file".startswith(option) and len(option) > len("--config-"):
            yield value, place
        elif "--config-dir".startswith(option) and len(option) > len("--config-"):
            for file in sorted(Path(value).expanduser().glob("*.conf")):
                yield str(file), place


def _contents(file: str) -> dict[str, list[str]]:
    """Return the names of options in each group of a file that oslo.config accepted."""
    sections: dict[str, dict[str, Any]] = {}
    ConfigParser(os.path.expanduser(file), sections).parse()
    return {group: list(names) for group, names in sections.items()}


def _check_group(group: str, names: Sequence[str]) -> None:
    """Refuse a group whose name is nearly [vtep], unless an application has a group of that name.

    If the name is only similar, one of the options in it has to be ours, too.
    """
    if group == "vtep" or group in cfg.CONF:
        return
    alike = difflib.get_close_matches(group.strip().lower(), ("vtep", "vtep_ofapp"), 1, 0.7)
    if alike and (alike[0] in group.lower() or not _NAMES.isdisjoint(names)):
        raise BadOption(f"[{group}]: there is no such group; did you mean [vtep]?")


def _check_names(group: str, names: Sequence[str]) -> Iterator[str]:
    """Refuse unknown options in [vtep], and ours in [DEFAULT]; yield a warning for others there."""
    known = cfg.CONF.vtep if group == "vtep" else cfg.CONF
    for name in names if group in ("vtep", "DEFAULT") else ():
        if group == "DEFAULT" and name in _COMMAND_LINE_ONLY:
            raise BadOption(f"[DEFAULT] {name}: it has an effect on the command line only")
        if name in known:
            continue
        other, others = ("DEFAULT", cfg.CONF) if group == "vtep" else ("vtep", _NAMES)
        if name in others:
            raise BadOption(f"[{group}] {name}: it belongs in the group [{other}]")
        nearest = difflib.get_close_matches(name.replace("-", "_"), known, 1, 0.6)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        if group == "vtep":
            raise BadOption(f"[vtep] {name}: there is no such option{hint}")
        yield f"[DEFAULT] {name}: no loaded application has such an option{hint}"


def _check_order(before: Sequence[str], file: str, names: Sequence[str]) -> None:
    """Refuse an option before a file that sets it, too: in oslo.config the last one counts."""
    for argument in before:
        option = argument.partition("=")[0]
        if option.removeprefix("--").replace("-", "_") in names and option.startswith("--"):
            raise BadOption(
                f"{option}: {file} sets it, too, and would override it: put it after the file"
            )
