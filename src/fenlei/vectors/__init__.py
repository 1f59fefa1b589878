"""Word vectors: trained on a corpus or loaded, looked up, compared and drawn."""
