"""What the user's code meets while it is imported and run: nothing of a script's work happens."""
