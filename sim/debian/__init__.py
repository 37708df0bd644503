"""A Debian release unpacked into a folder, and entered as if it were a machine of its own."""
