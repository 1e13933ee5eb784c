"""Where tensors are while a model is built and traced, whatever device its code names."""
