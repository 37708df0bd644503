"""What the cleanup command says with Open vSwitch's tools."""

import os
import subprocess
import sys

PROGRAM = """
import sys
from vtep_ofapp.cleanup.tools import print_line
for number in range(3):
    print_line(str(number))
print("done", file=sys.stderr)
"""


def test_without_a_reader_the_work_goes_on() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], stdout=writer, stderr=subprocess.PIPE, text=True
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "done\n")
