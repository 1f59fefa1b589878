"""How networks are trained: batches, losses, optimizers, checkpoints, and the loop that holds them together."""
