"""Ways into other tools: each module is imported by that tool or by its user, and by nothing else here."""
