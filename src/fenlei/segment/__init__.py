"""Segment: text in, tokens out."""
