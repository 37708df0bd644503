"""Read os-ken's options and run applications, on os-ken 3.0 to 4.2.

os-ken 4 has no command of its own. This does what that of os-ken 3 does, and what it leaves out:

- A configuration file or a log file that cannot be used, or an application that is not installed,
  ends the start with one line.
- A folder is never taken for an application's file: os-ken reads a file of the application's name
  if the current folder has one, and tries that with a folder as well, so that ``osken-manager
  vtep_ofapp`` would fail in a checkout of vtep_ofapp.
- The log of vtep_ofapp has time and level from its first line on.
"""

import importlib
import os
from collections.abc import Sequence
from types import ModuleType

from os_ken import cfg, log, utils
from os_ken.base.app_manager import AppManager
from os_ken.lib import hub
from oslo_config.cfg import ConfigFilesPermissionDeniedError, Error

from ..process import log_format

OURS = "vtep_ofapp"
_import_module = utils.import_module


class CannotStart(Exception):
    """The start is over; the text says why, in one line."""


def read_options(
    arguments: Sequence[str], version: str, default_files: Sequence[str] | None
) -> None:
    """Read os-ken's options from the command line and the files that it names.

    ``default_files`` are read if it names none; None stands for those that oslo.config looks for.
    Raises CannotStart.
    """
    try:
        cfg.CONF(
            list(arguments), project="os_ken", version=version, default_config_files=default_files
        )
        _check_files()
    except ConfigFilesPermissionDeniedError as error:
        raise CannotStart(f"Permission denied: {', '.join(error.config_files)}") from None
    except (Error, OSError, ValueError) as error:
        raise CannotStart(" ".join(str(error).split())) from None


def run(applications: Sequence[str]) -> None:
    """Run applications, each the name of a module or of a file, until the process is ended.

    Raises CannotStart if one is not installed.
    """
    log.init_log()
    if OURS in applications:
        log_format.install_everywhere()
    utils.import_module = _import_application
    manager = AppManager.get_instance()
    manager.load_apps(list(applications))
    services = manager.instantiate_apps(**manager.create_contexts())
    try:
        hub.joinall(services)
    except KeyboardInterrupt:
        pass  # SIGTERM, or Ctrl-C
    finally:
        manager.close()


def _check_files() -> None:
    """Raise OSError for a file or folder of the log that os-ken would end in a traceback for."""
    if cfg.CONF.log_file:
        open(cfg.CONF.log_file, "a").close()
    if cfg.CONF.log_config_file:
        open(cfg.CONF.log_config_file).close()
    if cfg.CONF.log_dir and not cfg.CONF.log_file:
        os.listdir(cfg.CONF.log_dir)


def _import_application(name: str) -> ModuleType:
    """Return the application's module, from a file or by its name. Raises CannotStart."""
    try:
        if os.path.isdir(name):
            return importlib.import_module(name)
        module: ModuleType = _import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise CannotStart(f"there is no application {name}") from None
    return module
