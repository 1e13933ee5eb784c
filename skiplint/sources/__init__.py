"""The user's source files: imports, import roots, frames, changes, and paths as they are shown."""
