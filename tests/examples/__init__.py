"""Tests that run what is in etc/examples."""
