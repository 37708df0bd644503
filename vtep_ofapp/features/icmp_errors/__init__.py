"""ICMP errors: what a logical router tells the sender of a packet that it cannot forward."""
