"""Clean: text in, text out."""
