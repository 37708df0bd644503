"""The only part that speaks OVSDB: rows to values and events, writes to transactions."""
