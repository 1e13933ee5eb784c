"""Going on after a call that fails on shapes: which operand was meant, and with which shape."""
