"""The mark of our ports, bridges and names of tables."""

OWNER = "vtep_ofapp"
"""The key in external_ids that marks our ports, bridges and Flow_Tables.

For a Port and a Flow_Table its value is the bridge's name. For a Bridge it is the lock and the
database of the process that manages it.
"""
