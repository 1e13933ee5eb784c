"""Faults that were reported of real code, each as a small model in its form before and after the repair."""
