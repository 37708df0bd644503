"""Bindings of VLANs at ports to logical switches."""
