"""Awarding-organisation files, by profile."""
