"""Why a database server is left."""


class Malformed(ValueError):
    """What the server tells makes no sense; the text says what."""


class Unusable(Exception):
    """A server that cannot serve us; the text says why, and what can be done."""
