"""Building a model: on the meta device where that works, else with real, seeded weights."""
