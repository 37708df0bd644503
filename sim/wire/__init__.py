"""What goes over a wire: frames, and the protocols of switches and databases, without a lab."""
