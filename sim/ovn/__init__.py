"""OVN in a lab: its databases and northd, hypervisors, and the daemon that drives a VTEP."""
