"""Train: labelled texts in, a measured and saved model out."""
