"""The mark of our ports and bridges."""

OWNER = "vtep_ofapp"
"""The key in external_ids that marks our ports and bridges.

For a Port its value is the bridge's name. For a Bridge it is the lock and the database of the
process that manages it.
"""
