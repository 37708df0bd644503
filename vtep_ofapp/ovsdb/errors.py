"""The reasons to disconnect from a database server."""


class Malformed(ValueError):
    """A message of the server is invalid; the text says which."""


class Unusable(Exception):
    """A server cannot be used; the text has the reason and a remedy."""
