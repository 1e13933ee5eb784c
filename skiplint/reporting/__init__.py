"""The report of a run as typed data, the baseline, and the output formats that render it."""
