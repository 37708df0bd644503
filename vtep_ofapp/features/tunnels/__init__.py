"""VXLAN tunnels to remote VTEPs."""
