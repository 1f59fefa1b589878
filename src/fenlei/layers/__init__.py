"""Parts of networks: embeddings, convolutions, pooling, dropout; all but the compiled loops need torch."""
