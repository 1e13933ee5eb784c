"""What expressions of the user's files stand for, found without running the files."""
