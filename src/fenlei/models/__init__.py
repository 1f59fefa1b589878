"""Models: one file a family; a new file is a new family, found by its name."""
