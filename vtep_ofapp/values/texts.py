"""Texts of others, which names and other columns of rows hold, made fit for a line."""


def printable(text: str) -> str:
    """Return a text with escapes, as Python has them, for what does not print."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
