"""Labs in network namespaces for vtep_ofapp: real Open vSwitch, real packets.

`python -m sim --help` tells how to use them by hand. For tests, `sim.lab.Lab` is the way in,
`sim.lab.EmptyLab` for a picture of their own, and `sim.fabric.Fabric` for several VTEPs. The
application is started as a process and never imported.
"""
