"""Write the man pages and the completion into a folder: ``python -m vtep_ofapp.cli.manual etc``."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from .completion import bash
from .man import command_page, configuration_page, web_page

FILES: Mapping[str, Callable[[], str]] = {
    "man/vtep-ofapp.8": command_page,
    "man/vtep-ofapp-web.8": web_page,
    "man/vtep-ofapp.conf.5": configuration_page,
    "bash-completion/vtep-ofapp": bash,
}
"""Files in etc/, and what is in them."""


def write(folder: Path) -> None:
    """Write all files into a folder."""
    for name, text in FILES.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text())


if __name__ == "__main__":
    write(Path(sys.argv[1]))
