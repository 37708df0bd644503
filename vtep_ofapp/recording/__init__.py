"""Record what reaches the loop, and replay a record without a switch or a database."""
