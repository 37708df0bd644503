"""How fast the application is: beside Open vSwitch's emulator, and beside the floor.

The floor is what Open vSwitch's own tools and daemons need for the same data. All three are
measured in the same run on the same machine, black box: on the wire and in the databases. Figures
of ours and of the emulator include everything between the cause and the first frame or row that
shows the effect.
"""
