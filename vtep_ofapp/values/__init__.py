"""Plain values: addresses, rows, flows, events and what is to be written."""
