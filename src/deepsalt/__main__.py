"""`python -m deepsalt` is the `deepsalt` command."""

from deepsalt.cli import main

main()
