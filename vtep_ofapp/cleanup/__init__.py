"""The command ``python -m vtep_ofapp.cleanup``, which removes all that vtep_ofapp created."""
