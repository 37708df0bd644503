"""Next hops: the MAC addresses to which routed packets go."""
