"""What each skip contributes: the model is run again without it."""
