"""The report of a run as typed data, the baseline of known findings, and the output formats."""
