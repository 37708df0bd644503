"""Labs in network namespaces for vtep_ofapp: real Open vSwitch, real packets.

`python -m sim --help` lists the commands. Tests begin with `sim.lab.guide.Lab`, or with
`sim.lab.network.EmptyLab` for a network of their own, or with `sim.demo.fabric.Fabric` for several
VTEPs. The application is started as a process and never imported.
"""
