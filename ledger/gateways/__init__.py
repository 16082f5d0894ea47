"""Other people's systems that the ledger talks to."""
