"""Evaluate: a model and labelled texts in, measurements and a report out."""
