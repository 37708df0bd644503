"""IGMP and MLD snooping: frames for a multicast group reach its members and routers only."""
