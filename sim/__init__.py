"""Labs in network namespaces for vtep_ofapp: real Open vSwitch, real packets.

`python -m sim --help` tells how to use them by hand; `sim.lab.Lab` is the way in for tests. The
application is started as a process and never imported.
"""
