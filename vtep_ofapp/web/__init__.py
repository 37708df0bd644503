"""Metrics and a page, in a process of its own that asks the application over its socket."""
