"""Logical routers: their rows, and the interfaces and routes that are used at each switch."""
