"""Tests that need an unpacked Debian release; `make packages` runs them."""
