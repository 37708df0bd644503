"""Types the commands of a page in a lab, and compares the answers with those of the page."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.switch.dummy import DummySwitch
from tests.switch.operating import PAGE, Shown, alike, rewrite, shown, wait_for_answer
from vtep_ofapp.process.unixctl_client import CommandFailed, ask


def type_all(vtep: DummySwitch, text: str, page: Path = PAGE) -> None:
    """Type the commands of a text of a page, and wait for its answers.

    With WRITE_PAGES in the environment the answers of this run are written into the page.
    """
    if os.environ.get("WRITE_PAGES"):
        rewrite(text, lambda example: settled(vtep, example), page)
        return
    for example in shown(text):
        if example.asked is None:
            assert alike(run(vtep, example)) == alike(example.answer)
        else:
            wait_for_answer(vtep, example, lambda example: run(vtep, example))


def run(vtep: DummySwitch, example: Shown) -> str:
    """Run a command of the page in the lab, where the application has a port of its own."""
    if example.asked is None:
        return vtep.run([word.replace(":6653", f":{vtep.app.port}") for word in example.command])
    process = (vtep.folder / "vtep_ofapp.pid").read_text().strip()
    command, *words = example.asked
    try:
        return ask(f"{vtep.folder}/vtep_ofapp.{process}.ctl", command, words)
    except CommandFailed as error:
        return str(error)  # as a check does that finds a fault


def settled(vtep: DummySwitch, example: Shown) -> str:
    """Return an answer for the page, once it stays the same for a while."""
    if example.asked is None:
        return run(vtep, example)
    former, since = "", time.monotonic()
    while time.monotonic() - since < 3:
        if alike(now := run(vtep, example)) != alike(former):
            since = time.monotonic()
        former = now
        time.sleep(0.2)
    return former.replace(f":{vtep.app.port}", ":6653")
