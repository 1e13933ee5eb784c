"""Which models a target has: classes, instances and factories of a file, a folder or a module."""
