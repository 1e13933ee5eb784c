"""How a model is put together: norms, constant factors, residual streams, blocks, plain runs, its outline."""
