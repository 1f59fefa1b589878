"""One file per format: bytes become records; nothing here decides which format a file has."""
