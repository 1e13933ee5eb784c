"""How to construct a model: the ways there are, from what its file says to synthesis."""
