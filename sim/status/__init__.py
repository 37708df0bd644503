"""What a lab is like now, read from the kernel, the databases and the applications.

`python -m sim status` shows it, and with `--json` gives it to programs. `report` reads all of a lab
that any process has built.
"""
