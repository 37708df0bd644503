"""Tunnels to remote VTEPs."""
