"""Shape faults of a traced model: where they come from, and the remedies that mend them."""
