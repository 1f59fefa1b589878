"""Language models from unlabelled text: tokenizers, masked and next-token training, checkpoints that all can load."""
