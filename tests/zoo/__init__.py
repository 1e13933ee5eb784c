"""Real architectures: what the tracer and the skip detection must get right."""
