"""The loop that owns all state, and what takes part in its turns."""
