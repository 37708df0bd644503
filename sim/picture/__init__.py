"""A picture (SVG) of a lab as it is, drawn from the report of `sim.status`.

`cards` decides what is said of each host, `layout` where it stands, `svg` writes it down.
"""
