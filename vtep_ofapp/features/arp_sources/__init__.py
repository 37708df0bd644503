"""ARP sources: the MAC addresses that VTEPs send from in place of logical routers."""
