"""Pretrained encoders: finding them, reading their tokenizer and their weights, never running their code."""
