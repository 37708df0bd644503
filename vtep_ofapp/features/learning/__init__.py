"""MAC learning from the frames of stations."""
