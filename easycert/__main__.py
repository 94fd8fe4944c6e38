"""``python -m easycert``: the same as the console script."""

from easycert.cli.entry import main

main()
