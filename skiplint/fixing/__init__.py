"""Suggestions that are mechanical, made in the source: proposed as edits, tried, and only then written."""
