"""Settings: what they are, where each came from, their schema, and how they are written to a file."""
