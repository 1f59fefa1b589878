"""Features: texts or tokens in, a sparse matrix out."""
