"""The user's source files: what they import, whose they are, what changed, and places as they are shown."""
