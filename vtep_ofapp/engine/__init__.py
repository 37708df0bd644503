"""The desired and the actual state of one switch, updated change by change."""
