"""Which versions the application runs on: a Debian release with libraries each, and what ran."""
