"""The loop that owns all state, and its components."""
