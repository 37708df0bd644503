"""The process: its options, its log, systemd, and the interfaces and addresses of the host."""
