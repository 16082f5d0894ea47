"""The command line `ledger`: one module per group of commands, and one that writes tables, JSON and progress."""
