"""The mark of what is ours."""

OWNER = "vtep_ofapp"
"""The key in external_ids that marks what is ours.

Its value at a Port is the bridge's name; at a Bridge it names the lock and the database of the
process that manages it.
"""
