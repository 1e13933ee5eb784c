"""What a graph tells: skips, shapes, memory and paths, each a pure function of the graph."""
