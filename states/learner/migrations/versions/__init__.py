"""Migrations of the learners' tables."""
