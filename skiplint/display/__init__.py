"""How results show themselves: a few lines of text, and HTML in notebooks."""
