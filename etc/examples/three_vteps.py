"""Three VTEPs with three hosts each, in one logical switch: each host pings every other.

As root, in a clone: PYTHONPATH=. .venv/bin/python etc/examples/three_vteps.py
"""

import itertools

from sim.api import Lab

with Lab("three") as lab:
    blue = lab.add_logical_switch("blue", vni=33)
    for number in (1, 2, 3):
        vtep = lab.add_vtep(f"leaf{number}")
        for port in ("p1", "p2", "p3"):
            blue.bind(vtep, port)
            lab.add_host(f"{vtep.name}-{port}", vtep, port)
    lab.start()
    for here, there in itertools.permutations(lab.hosts.values(), 2):
        answered = here.ping(there.ip, count=1)
        print(f"{here.name} pings {there.name} at {there.ip}: {answered} of 1 answered")
