"""Shape faults of a traced model: which layers they come from, and advice that mends them."""
