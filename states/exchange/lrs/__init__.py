"""LRS files."""
