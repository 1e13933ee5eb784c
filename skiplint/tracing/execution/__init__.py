"""Running a forward: meta, fake or eager tensors, with all state of the model kept."""
