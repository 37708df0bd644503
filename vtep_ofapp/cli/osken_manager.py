"""The command ``osken-manager``: the options of os-ken's own one, and any application."""

import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import os_ken.flags
import os_ken.topology.switches  # noqa: F401  (they declare options of os-ken's applications)
from os_ken import __version__, cfg, utils

from . import launch

_DEFAULT_FILE = "/usr/local/etc/os_ken/os_ken.conf"
_USER_FLAGS = "--user-flags"
_OPENFLOW = "os_ken.controller.ofp_handler"
"""What os-ken's own command runs if it is given no application."""


def main(arguments: Sequence[str]) -> None:
    """Run the applications that the command line names; ends the process if that fails."""
    cfg.CONF.register_cli_opts(
        [
            cfg.ListOpt("app-lists", default=[], help="application module name to run"),
            cfg.MultiStrOpt(
                "app", positional=True, default=[], help="application module name to run"
            ),
            cfg.StrOpt("pid-file", help="pid file name"),
            cfg.BoolOpt(
                "enable-debugger",
                default=False,
                help="don't overwrite Python standard threading library (use only for debugging)",
            ),
            cfg.StrOpt("user-flags", help="Additional flags file for user applications"),
        ]
    )
    _declare_user_flags(arguments)
    try:
        files = [_DEFAULT_FILE] if os.path.exists(_DEFAULT_FILE) else None
        launch.read_options(arguments, f"osken-manager {__version__}", files)
        _write_pid_file(cfg.CONF.pid_file)
        launch.run([*cfg.CONF.app_lists, *cfg.CONF.app] or [_OPENFLOW])
    except launch.CannotStart as error:
        sys.exit(f"osken-manager {' '.join(arguments)}: {error}")


def _declare_user_flags(arguments: Sequence[str]) -> None:
    """Import the file that declares options of the user's applications, if there is one."""
    for option, value in pairwise(arguments):
        if option == _USER_FLAGS and os.path.isfile(value):
            utils.import_module(value)


def _write_pid_file(path: str | None) -> None:
    """Write the process id into a file. Raises CannotStart."""
    if path is None:
        return
    try:
        with open(path, "w") as file:
            file.write(str(os.getpid()))
    except OSError as error:
        raise launch.CannotStart(str(error)) from None
