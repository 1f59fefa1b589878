"""A trained model as a service over HTTP."""
