"""Tests with real NVCs: OVN, networking-l2gw, ovsdbapp."""
