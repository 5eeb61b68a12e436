"""`python -m headway` is the command."""

from headway.cli import main

main()
