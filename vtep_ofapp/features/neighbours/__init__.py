"""Neighbours: ARP and ND suppression, and the reported addresses of stations."""
