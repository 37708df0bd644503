"""OVSDB connections: rows to values and events, writes to transactions."""
