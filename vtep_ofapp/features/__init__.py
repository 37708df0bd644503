"""The features of a VTEP, each in a module or a folder."""
