"""Compress: a trained model in, a smaller or faster one out, with what that costs measured."""
