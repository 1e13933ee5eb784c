"""How a model is put together: data flow, norms, factors, residual streams, blocks, module outline."""
