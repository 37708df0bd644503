"""A long life: random changes, moves and failures under traffic, and nothing may be lost by it.

A run is a row of rounds. In each, known traffic flows while a dozen random things happen: the NVC
makes, changes and removes logical switches, bindings, MACs and sets; hosts move; ports and links
come and go; connections are cut. Not one frame of the known traffic may be lost, arrive twice or
go astray. Then, without traffic, a daemon may be restarted or somebody meddles with the switch.
At the end of the round all has to settle, and is compared with what was asked for: rows, tunnels,
faults, and the way of frames from everywhere to everywhere.

In the first part of the time the applications live on, and their memory, descriptors and threads
are measured after each round: they must stay as they are. In the rest they are killed, ended and
started at random as well, two of them, so that they take over from each other; and at the end of
each round both are started anew: applications that know nothing must find nothing to change.

The same seed makes the same choices, as long as the clock gives it the same number of rounds.
"""
