"""Logical switches, and the VNIs that they have."""
