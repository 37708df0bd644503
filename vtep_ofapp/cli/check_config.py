"""Check a configuration file, as a start of the application would."""

import sys

import os_ken.log  # noqa: F401  (it declares options of the log)

from ..process import config
from ..process.options import BadOption


def check(file: str) -> int:
    """Print whether a file is right, with its warnings; return the exit code.

    What is wrong is one line on standard error.
    """
    try:
        warnings = config.load(file)
    except BadOption as error:
        return _fail(str(error))
    try:
        config.read()
    except BadOption as error:
        return _fail(f"{file}: {error}")
    for line in warnings:
        print(f"{file}: warning: {line}")
    print(f"{file}: ok")
    return 0


def _fail(reason: str) -> int:
    print(reason, file=sys.stderr)
    return 1
