"""Plugins for other tools; each is imported by that tool or by its user, and by nothing else here."""
