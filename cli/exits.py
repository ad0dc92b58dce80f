"""The exit codes, as the manual lists them."""

from typing import Final

OK: Final = 0
FINDINGS: Final = 1
"""Findings, or some learners refused."""
USAGE: Final = 2
UNVERIFIED: Final = 3
"""The log cannot be verified."""
DATA: Final = 4
"""Data or configuration."""
INTERRUPTED: Final = 130
