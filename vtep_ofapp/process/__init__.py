"""The process: its options, its log, and what systemd and the host know of it."""
