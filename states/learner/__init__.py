"""Learners: their number, their details, and where both are kept."""
