"""What each skip of a model is worth: the model run again without it."""
