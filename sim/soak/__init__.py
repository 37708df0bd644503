"""Random changes, moves and failures under traffic, for minutes or hours; nothing may be lost.

A run is a row of rounds. In each, known traffic flows while a dozen random things happen: the NVC
makes, changes and removes logical switches, bindings, MACs and sets; hosts move; ports and links
come and go; connections are cut. Not one frame of the known traffic may be lost, arrive twice or
go astray. Then, without traffic, a daemon may be restarted, or another client deletes flows or
ports. At the end of the round everything has to settle, and is compared with what was asked for:
rows, tunnels, faults, and where single frames from everywhere arrive.

In the first part of the time the applications run on, and their memory, descriptors and threads
are measured after each round: they must not grow. In the rest they are killed, ended and started
at random as well, two of them, so that each takes over from the other; and at the end of each
round both are restarted: new processes must find nothing to change.

What the applications are told is recorded. If a promise is broken, the records stay, and their
names are printed: a replay takes each turn of the application again.

The same seed makes the same choices, as long as the clock gives it the same number of rounds.
"""
