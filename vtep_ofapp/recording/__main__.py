"""Replay a record: ``vtep-ofapp replay FILE``, or ``python -m vtep_ofapp.recording FILE``."""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from ..values.texts import printable
from .codec import Unreadable
from .outcome import as_text, outcome
from .reading import Session, sessions
from .replay import Replay

_PROGRAM = "python -m vtep_ofapp.recording"


def main(arguments: Sequence[str], program: str = _PROGRAM) -> int:
    """Replay a record and print what the application desired at its end.

    ``program`` is the command that was typed. Return the exit code: 0, 1 if the record cannot be
    read to its end, or nothing can be printed. Raises SystemExit with 2 for wrong arguments.
    """
    parser = _parser(program)
    given = parser.parse_args(arguments)
    level = logging.INFO if given.verbose else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    try:
        every = sessions(given.file)
        number = len(every) if given.session is None else given.session
        if not 1 <= number <= len(every):
            parser.error(f"{given.file} has {len(every)} sessions")
        _say(_described(every[number - 1], number, len(every)))
        replay = Replay(every[number - 1].header, _say)
        _say(f"{replay.run(every[number - 1], given.until)} turns")
        found = outcome(replay.components)
        lines = [json.dumps(found, indent=2)] if given.json else map(printable, as_text(found))
        print("\n".join(lines), flush=True)
    except (OSError, Unreadable) as error:
        _say(str(error))
        return 1
    except MemoryError:
        _say(f"{given.file}: there is not enough memory to replay it")
        return 1
    return 0


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Replay a record of vtep_ofapp, without a switch or a database, and print the "
        "flows, groups, tunnel ports and rows that it desired at the end.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the record")
    parser.add_argument("--session", type=int, metavar="N", help="the process, 1 for the first one")
    parser.add_argument("--until", type=int, metavar="TURN", help="the last turn to replay")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("-v", "--verbose", action="store_true", help="show what is logged, too")
    return parser


def _described(session: Session, number: int, count: int) -> str:
    header = session.header
    return f"session {number} of {count}: vtep_ofapp {header.version}, from {header.began}"


def _say(line: str) -> None:
    """Print a line that a terminal only shows, also of a record from a stranger."""
    print(printable(line), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
