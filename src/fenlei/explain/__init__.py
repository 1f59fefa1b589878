"""Explain: why a text got its label."""
