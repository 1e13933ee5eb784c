"""Mechanical fixes of findings: edits of the source, tried on the model and only then written."""
