"""`python -m ledger`: the same program as `ledger`."""

from ledger.entrypoints.cli.main import main

main()
