"""``python -m fenlei``."""

from fenlei.cli.main import main

main()
