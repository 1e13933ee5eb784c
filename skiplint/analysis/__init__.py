"""Analyses of a traced model: skips, paths, memory, gradients, contract, faults and structure."""
