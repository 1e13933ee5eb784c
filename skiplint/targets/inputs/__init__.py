"""Example inputs on which a model runs: given, written beside the model, or inferred from its layers."""
