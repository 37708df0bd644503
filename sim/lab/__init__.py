"""Labs in network namespaces: what they are built of, and how frames are sent and counted there."""
