"""Plain values: addresses, rows, flows, events, faults and writes."""
