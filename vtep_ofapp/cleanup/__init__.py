"""The command ``python -m vtep_ofapp.cleanup``, which removes what the program made."""
