"""Stations that are learned from their frames."""
