"""The commands ``vtep-ofapp`` and ``osken-manager``."""
