"""The command line: one file a command, each a thin layer on a public function."""
