"""Routing: the flows of interfaces and routes, and what operators are told of them."""
