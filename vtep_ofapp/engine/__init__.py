"""Desired against actual for one switch, change by change."""
