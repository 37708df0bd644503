"""A lab of one's own: VTEPs, hosts, hypervisors and service nodes, and an NVC for all of them.

`lab` builds it, `topology` checks each part before that, and `plan` reads a file. `sim.api`
publishes the `Lab` that `lab` has.
"""
