"""The hardware_vtep database (vtep(5)): its rows as values, and our writes."""
