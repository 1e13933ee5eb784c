"""Running recorded calls again, on other tensors or under other hooks."""
