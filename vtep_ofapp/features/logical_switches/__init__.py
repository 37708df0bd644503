"""Logical switches and their VNIs."""
