"""The version of all that is made from this checkout. It is written down nowhere else."""

VERSION = "0.1.0"
